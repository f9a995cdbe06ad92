from math import sqrt

import pytest

from gradclinic.experiments.initializations.kaiming_normal import KaimingNormal


def test_its_variance_is_2_over_fan_in():
    assert KaimingNormal().deviation(30, 50) == pytest.approx(sqrt(2 / 30))


def test_gain_multiplies_the_deviation_and_enters_theory_squared():
    assert KaimingNormal(gain=3.0).deviation(30, 50) == pytest.approx(3 * KaimingNormal().deviation(30, 50))
    assert KaimingNormal(gain=3.0).weight_variance(30, 50) == pytest.approx(9 * KaimingNormal().weight_variance(30, 50))


def test_its_biases_are_a_constant():
    assert KaimingNormal().bias_variance(30) == 0
    assert KaimingNormal(bias=-2.0).bias_variance(30) == 4
