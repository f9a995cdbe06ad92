import numpy as np
import pytest

from gradclinic.experiments.datasets.teacher import Teacher
from gradclinic.experiments.losses.mse import MeanSquaredError

from .checks import check_samples, check_standard, differs_by_seed


def test_its_samples_are_as_declared_and_fixed_by_its_own_seed():
    check_samples(Teacher())


def test_inputs_and_targets_are_standardized():
    check_standard(Teacher())
    targets = Teacher().sample("flat").train.targets
    assert targets.mean() == pytest.approx(0, abs=1e-5)
    assert targets.std() == pytest.approx(1, abs=1e-4)
    assert MeanSquaredError().constant(Teacher().sample("flat").train.targets) == pytest.approx(1, abs=1e-3)


def test_the_scale_of_the_targets_shows_only_where_nothing_is_standardized():
    plain = Teacher(standardize=False).sample("flat").train.targets
    large = Teacher(standardize=False, target_scale=100.0).sample("flat").train.targets
    np.testing.assert_allclose(large, 100 * plain, rtol=1e-5)
    same = Teacher(target_scale=100.0).sample("flat").train.targets
    np.testing.assert_allclose(same, Teacher().sample("flat").train.targets, atol=1e-4)


def test_no_linear_student_fits_it():
    train = Teacher().sample("flat").train
    weights, *_ = np.linalg.lstsq(train.inputs, train.targets, rcond=None)
    assert 0.05 < (train.targets - train.inputs @ weights).var() < 0.5
    assert differs_by_seed(Teacher())
