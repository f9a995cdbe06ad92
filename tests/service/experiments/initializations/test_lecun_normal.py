from math import sqrt

import pytest

from gradclinic.experiments.initializations.lecun_normal import LecunNormal


def test_its_variance_is_1_over_fan_in():
    assert LecunNormal().deviation(30, 50) == pytest.approx(sqrt(1 / 30))


def test_gain_multiplies_the_deviation_and_enters_theory_squared():
    assert LecunNormal(gain=3.0).deviation(30, 50) == pytest.approx(3 * LecunNormal().deviation(30, 50))
    assert LecunNormal(gain=3.0).weight_variance(30, 50) == pytest.approx(9 * LecunNormal().weight_variance(30, 50))


def test_its_biases_are_a_constant():
    assert LecunNormal().bias_variance(30) == 0
    assert LecunNormal(bias=-2.0).bias_variance(30) == 4
