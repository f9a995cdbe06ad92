"""The initial moments of a layer's weights and biases, by hand."""

import numpy as np
import pytest

from gradclinic.experiments.initializations.kaiming_normal import KaimingNormal
from gradclinic.experiments.initializations.lecun_normal import LecunNormal
from gradclinic.experiments.initializations.lsuv import LSUV
from gradclinic.experiments.initializations.torch_default import TorchDefault
from gradclinic.experiments.layers.base import Node
from gradclinic.experiments.layers.linear import Linear
from gradclinic.theory.start import Setting, bias_moments, weight_variance


def linear(**fields: object) -> Node:
    return Linear.model_validate({"out_features": 20, **fields}).node((50,), name="0.linear", pointer="")


def test_weights_have_the_variance_of_the_models_scheme_or_of_their_own() -> None:
    setting = Setting(KaimingNormal(gain=3.0), 64)
    assert weight_variance(linear(), np.asarray(7.0), setting) == pytest.approx(18.0)
    own = linear(initialization={"scheme": "lecun_normal", "gain": 0.5})
    assert weight_variance(own, np.asarray(7.0), setting) == pytest.approx(0.25)


def test_lsuv_divides_by_the_size_of_the_inputs_of_all_positions() -> None:
    setting = Setting(LSUV(gain=2.0), 64)
    assert weight_variance(linear(), np.array([3.0, 5.0]), setting) == pytest.approx(1.0)


def test_layers_that_start_at_zero_have_no_variance() -> None:
    setting = Setting(LecunNormal(), 64, zeroed=frozenset({"0.linear"}))
    assert weight_variance(linear(), np.asarray(1.0), setting) == 0.0


def test_biases_are_a_constant_or_drawn_or_absent() -> None:
    assert bias_moments(linear(), Setting(LecunNormal(bias=-0.3), 64)) == (pytest.approx(0.09), -0.3)
    assert bias_moments(linear(), Setting(TorchDefault(), 64)) == (pytest.approx(1 / 150), 0.0)
    assert bias_moments(linear(), Setting(LecunNormal(), 64)) == (0.0, 0.0)
    assert bias_moments(linear(bias=False), Setting(LecunNormal(bias=0.3), 64)) == (0.0, 0.0)
