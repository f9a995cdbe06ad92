import numpy as np
import pytest

from gradclinic.experiments.datasets.adding_problem import AddingProblem

from .checks import check_samples, differs_by_seed


def test_its_samples_are_as_declared_and_fixed_by_its_own_seed():
    check_samples(AddingProblem())


def test_the_target_is_the_sum_of_the_two_marked_values():
    split = AddingProblem(standardize=False, length=11).sample("sequence")
    values, marks = split.train.inputs[:, :, 0], split.train.inputs[:, :, 1]
    np.testing.assert_array_equal(marks.sum(axis=1), 2)
    np.testing.assert_array_equal(marks[:, :5].sum(axis=1), 1)
    np.testing.assert_allclose((values * marks).sum(axis=1), split.train.targets[:, 0], rtol=1e-5)


def test_the_targets_are_standardized_but_not_the_inputs():
    split = AddingProblem().sample("sequence")
    assert split.train.targets.std() == pytest.approx(1, abs=1e-4)
    assert 0 <= split.train.inputs.min() < split.train.inputs.max() <= 1
    assert differs_by_seed(AddingProblem())
