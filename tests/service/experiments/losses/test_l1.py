import pytest

from gradclinic.experiments.losses.l1 import MeanAbsoluteError

from .checks import said_and_found


@pytest.mark.parametrize("task", ["regression"])
def test_its_constant_is_the_least_that_a_constant_output_reaches(task):
    said, found = said_and_found(MeanAbsoluteError(), task=task)
    assert said == pytest.approx(found, rel=1e-4)


def test_one_unit_of_it_is_known_in_units_of_the_raw_targets():
    assert MeanAbsoluteError().unit(4.0) == 2.0


def test_it_takes_numbers():
    assert MeanAbsoluteError().takes == "numbers"
