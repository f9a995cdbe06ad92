import pytest

from gradclinic.experiments.initializations.lsuv import LSUV
from gradclinic.experiments.initializations.orthogonal import Orthogonal


def test_before_samples_scale_it_it_is_orthogonal():
    assert LSUV().deviation(20, 40) == pytest.approx(Orthogonal().deviation(20, 40))
    assert LSUV.distribution == "lsuv"
