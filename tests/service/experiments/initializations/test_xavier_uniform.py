from math import sqrt

import pytest

from gradclinic.experiments.initializations.xavier_uniform import XavierUniform


def test_its_variance_is_2_over_fan_in_plus_fan_out():
    assert XavierUniform().deviation(30, 50) == pytest.approx(sqrt(2 / (30 + 50)))
