import numpy as np

from gradclinic.experiments.datasets.char_lm import CharLM
from gradclinic.experiments.losses.cross_entropy import CrossEntropy

from .checks import check_samples, differs_by_seed


def test_its_samples_are_as_declared_and_fixed_by_its_own_seed():
    check_samples(CharLM())


def test_the_class_is_the_character_that_follows():
    data = CharLM(n=400, length=60)
    train = data.sample("tokens").train
    text = "".join(chr(code + 32) for code in train.inputs[0])
    assert text.isascii()
    assert " " in text
    assert data.outputs() == data.symbols() == 95
    assert differs_by_seed(data)


def test_it_says_which_text_it_was_cut_from():
    assert len(CharLM().text_digest()) == 64
    assert CharLM().text_digest() == CharLM(seed=5).text_digest()


def test_the_text_is_no_uniform_noise():
    entropy = CrossEntropy().constant(CharLM().sample("tokens").train.targets)
    assert 2.0 < entropy < 0.8 * np.log(95)
