import pytest

from gradclinic.experiments.initializations.torch_default import TorchDefault


def test_its_weight_variance_is_a_third():
    assert TorchDefault().weight_variance(40, 10) == pytest.approx(1 / 3)


def test_its_biases_vary_like_its_weights_unless_a_constant_is_asked_for():
    assert TorchDefault().bias_variance(40) == pytest.approx(1 / 120)
    assert TorchDefault(bias=0.5).bias_variance(40) == 0.25
