import pytest
from pydantic import ValidationError

from gradclinic.experiments.initializations.normal import Normal


def test_its_deviation_is_the_same_at_every_width():
    assert Normal(std=0.1).deviation(10, 10) == Normal(std=0.1).deviation(1000, 10) == 0.1


def test_it_grows_with_the_fan_in_as_theory_counts_it():
    assert Normal(std=0.1, gain=2.0).weight_variance(50, 1) == pytest.approx(50 * 0.04)


def test_a_deviation_of_zero_is_refused():
    with pytest.raises(ValidationError):
        Normal(std=0.0)
