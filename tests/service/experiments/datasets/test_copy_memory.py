import numpy as np

from gradclinic.experiments.datasets.copy_memory import CopyMemory

from .checks import check_samples, differs_by_seed


def test_its_samples_are_as_declared_and_fixed_by_its_own_seed():
    check_samples(CopyMemory())


def test_a_symbol_then_blanks_then_a_mark():
    split = CopyMemory(length=5).sample("tokens")
    np.testing.assert_array_equal(split.train.inputs[:, 0], split.train.targets)
    assert (split.train.inputs[:, 1:6] == 8).all()
    assert (split.train.inputs[:, 6] == 9).all()
    assert differs_by_seed(CopyMemory())


def test_for_sequences_each_symbol_is_a_feature():
    tokens, sequence = CopyMemory(length=5).sample("tokens"), CopyMemory(length=5).sample("sequence")
    assert sequence.train.inputs.shape[1:] == (7, 10)
    np.testing.assert_array_equal(sequence.train.inputs.argmax(axis=2), tokens.train.inputs)
