from math import sqrt

import pytest

from gradclinic.experiments.initializations.xavier_normal import XavierNormal


def test_its_variance_is_2_over_fan_in_plus_fan_out():
    assert XavierNormal().deviation(30, 50) == pytest.approx(sqrt(2 / (30 + 50)))
