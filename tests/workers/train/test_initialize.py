import pytest
import torch

from gradclinic.experiments.initializations import INITIALIZATIONS
from gradclinic.experiments.layers import Parameter
from gradclinic.experiments.lowering import lower
from gradclinic_workers.train.build import build
from gradclinic_workers.train.initialize import draw_bias, draw_weight, generator, initialize

from .. import specs

FIXED = ("lsuv",)  # adjusted to the data after the draw; tested with the data


@pytest.mark.parametrize("scheme", sorted(set(INITIALIZATIONS) - set(FIXED)))
@pytest.mark.parametrize("shape", [(300, 200), (200, 300)])
def test_drawn_weights_have_the_declared_deviation_and_no_mean(scheme, shape):
    declared = INITIALIZATIONS[scheme](gain=1.7)
    parameter = Parameter("weight", shape, "weight", fan_in=shape[1], fan_out=shape[0])
    weight = draw_weight(declared, parameter, generator(0, 1))
    assert weight.std().item() == pytest.approx(declared.deviation(shape[1], shape[0]), rel=0.02)
    assert abs(weight.mean().item()) < 0.02 * weight.std().item()


def test_an_orthogonal_square_weight_keeps_every_norm():
    parameter = Parameter("weight", (64, 64), "weight", 64, 64)
    weight = draw_weight(INITIALIZATIONS["orthogonal"](), parameter, generator(0, 1))
    assert torch.allclose(weight @ weight.T, torch.eye(64), atol=1e-5)


def test_biases_are_zero_unless_the_scheme_or_the_user_says_otherwise():
    parameter = Parameter("bias", (400,), "bias", 100, 400)
    assert (draw_bias(INITIALIZATIONS["xavier_normal"](), parameter, generator(0, 1)) == 0).all()
    assert (draw_bias(INITIALIZATIONS["xavier_normal"](bias=-2.0), parameter, generator(0, 1)) == -2).all()
    torch_default = draw_bias(INITIALIZATIONS["torch_default"](), parameter, generator(0, 1))
    assert 0.09 < torch_default.abs().max().item() <= 0.1


def test_the_readout_has_its_own_scheme_and_no_bias():
    experiment = specs.mlp(width=400, depth=1, initialization={"scheme": "xavier_normal", "gain": 9.0, "bias": 3.0})
    network = lower(experiment)
    modules = build(network.nodes)
    initialize(dict(modules.named()), network, experiment)
    readout = list(modules.steps)[-1]
    assert readout.weight.std().item() == pytest.approx((1 / 400) ** 0.5, rel=0.1)
    assert (readout.bias == 0).all()


def test_zero_last_in_residual_makes_every_block_start_as_the_identity():
    body = [
        {"kind": "linear", "out_features": 8},
        {"kind": "activation", "activation": "tanh"},
        {"kind": "linear", "out_features": 8},
    ]
    experiment = specs.layers(
        {"kind": "linear", "out_features": 8},
        {"kind": "residual", "body": body},
        initialization={"scheme": "xavier_normal", "zero_last_in_residual": True},
    )
    network = lower(experiment)
    modules = build(network.nodes)
    initialize(dict(modules.named()), network, experiment)
    inputs = torch.randn(5, 8)
    assert torch.equal(modules.steps[1](inputs), inputs)
    assert (dict(modules.named())["1.residual.0.linear"].weight != 0).all()


def test_streams_of_a_run_are_independent_of_each_other_and_of_other_seeds():
    draws = [torch.rand(4, generator=generator(*path)) for path in [(0, 1), (0, 2), (1, 1), (0, 1, 0)]]
    assert len({tuple(draw.tolist()) for draw in draws}) == len(draws)
