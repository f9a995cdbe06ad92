import pytest

from gradclinic.experiments.losses.mse import MeanSquaredError

from .checks import keeps_its_constant


@pytest.mark.parametrize("task", ["classification", "regression"])
def test_its_constant_is_the_least_that_a_constant_output_reaches(task):
    keeps_its_constant(MeanSquaredError(), task=task)


def test_one_unit_of_it_is_known_in_units_of_the_raw_targets():
    assert MeanSquaredError().unit(4.0) == 4.0


def test_it_takes_numbers():
    assert MeanSquaredError().takes == "numbers"
