import pytest

from gradclinic.experiments.initializations.uniform import Uniform


def test_a_bound_is_a_deviation_times_the_root_of_three():
    assert Uniform(bound=0.3).deviation(10, 10) == pytest.approx(0.3 / 3**0.5)
    assert Uniform(bound=0.3, gain=2.0).deviation(500, 10) == pytest.approx(0.6 / 3**0.5)
