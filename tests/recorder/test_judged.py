"""Models of one's own, sick and sound, are judged right."""

from typing import Any

import pytest
import torch
from torch import nn

from gradclinic.diagnosis import Diagnosis

from .loops import digits, mlp, probe, recorded


def judged(model: nn.Module, *, steps: int = 120, image: bool = False, **options: Any) -> Diagnosis:
    recording = recorded(model, digits(steps=steps, image=image), **options)
    return recording.diagnosis()


@pytest.mark.parametrize("probed", [False, True])
def test_a_deep_sigmoid_network_vanishes(probed: bool) -> None:
    found = judged(mlp(depth=8), **({"probe": probe()} if probed else {}))
    assert found.primary == "vanishing_gradients"
    assert (found.findings[0].harm, found.findings[0].confidence) == (True, 0.821)  # the most of a program


def large(model: nn.Sequential, gain: float) -> nn.Sequential:
    with torch.no_grad():
        for layer in model[:-1]:
            if isinstance(layer, nn.Linear):
                nn.init.kaiming_normal_(layer.weight).mul_(gain)
    return model


@pytest.mark.parametrize("probed", [False, True])
def test_a_network_whose_weights_are_too_large_explodes(probed: bool) -> None:
    options = {"probe": probe()} if probed else {}
    model = large(mlp(depth=10, act=nn.ReLU), 3.0)
    recording = recorded(model, digits(steps=60), **options)
    found = recording.diagnosis()
    assert found.primary == "exploding_gradients"
    assert found.findings[0].harm
    assert recording.over is not None
    assert recording.over.startswith("the loss or the gradient was not finite at step")
    assert recording.record.outcome is not None
    assert recording.record.outcome.nonfinite_step == recording.step


def test_too_large_steps_diverge() -> None:
    assert judged(mlp(depth=2, act=nn.Tanh), rate=1e20).primary == "divergence"


@pytest.mark.parametrize("probed", [False, True])
def test_a_sound_convolutional_network_is_healthy(probed: bool) -> None:
    torch.manual_seed(0)
    model = nn.Sequential(
        nn.Conv2d(1, 16, 3, padding=1), nn.BatchNorm2d(16), nn.ReLU(inplace=True),
        nn.Conv2d(16, 16, 3, padding=1), nn.BatchNorm2d(16), nn.ReLU(inplace=True),
        nn.Conv2d(16, 16, 3, padding=1), nn.BatchNorm2d(16), nn.ReLU(inplace=True),
        nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(16, 10),
    )  # fmt: skip
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    options = {"probe": probe(image=True)} if probed else {}
    found = judged(model, image=True, optimizer=optimizer, **options)
    assert found.primary == "healthy"
    assert not any(each.harm for each in found.findings)
    assert found.findings[0].confidence > 0.8


def test_dead_units_are_named_by_their_layer() -> None:
    model = mlp(depth=4, act=nn.ReLU)
    with torch.no_grad():
        model[2].bias.fill_(-1e3)
    found = judged(model)
    assert found.primary == "dead_units"
    assert found.findings[0].layers[0] == "2"


def test_steps_that_are_too_small_are_slow() -> None:
    assert judged(mlp(depth=2, act=nn.Tanh), rate=1e-6, probe=probe()).primary == "slow_convergence"
