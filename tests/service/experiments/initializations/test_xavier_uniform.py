from math import sqrt

import pytest

from gradclinic.experiments.initializations.xavier_uniform import XavierUniform


def test_its_variance_is_2_over_fan_in_plus_fan_out():
    assert XavierUniform().deviation(30, 50) == pytest.approx(sqrt(2 / (30 + 50)))


def test_gain_multiplies_the_deviation_and_enters_theory_squared():
    assert XavierUniform(gain=3.0).deviation(30, 50) == pytest.approx(3 * XavierUniform().deviation(30, 50))
    assert XavierUniform(gain=3.0).weight_variance(30, 50) == pytest.approx(9 * XavierUniform().weight_variance(30, 50))


def test_its_biases_are_a_constant():
    assert XavierUniform().bias_variance(30) == 0
    assert XavierUniform(bias=-2.0).bias_variance(30) == 4
