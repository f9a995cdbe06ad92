from math import sqrt

import pytest

from gradclinic.experiments.initializations.kaiming_uniform import KaimingUniform


def test_its_variance_is_2_over_fan_in():
    assert KaimingUniform().deviation(30, 50) == pytest.approx(sqrt(2 / 30))
