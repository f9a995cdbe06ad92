import pytest

from gradclinic.experiments.losses.mse import MeanSquaredError

from .checks import said_and_found


@pytest.mark.parametrize("task", ["classification", "regression"])
def test_its_constant_is_the_least_that_a_constant_output_reaches(task):
    said, found = said_and_found(MeanSquaredError(), task=task)
    assert said == pytest.approx(found, rel=1e-4)


def test_one_unit_of_it_is_known_in_units_of_the_raw_targets():
    assert MeanSquaredError().unit(4.0) == 4.0


def test_it_takes_numbers():
    assert MeanSquaredError().takes == "numbers"
