from math import sqrt

import pytest

from gradclinic.experiments.initializations.lecun_normal import LecunNormal


def test_its_variance_is_1_over_fan_in():
    assert LecunNormal().deviation(30, 50) == pytest.approx(sqrt(1 / 30))
