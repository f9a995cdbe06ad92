"""The printed network is PyTorch code that runs, and is the network that a worker builds."""

from typing import Any

import pytest
import torch

from gradclinic.experiment import Experiment
from gradclinic.initializations import INITIALIZATIONS
from gradclinic.listing import listing
from gradclinic.lowering import lower

LINEAR = {"kind": "linear", "out_features": 10}
MODELS: dict[str, tuple[dict[str, Any], str]] = {
    "mlp": ({"kind": "mlp", "depth": 8, "width": 16, "activation": {"name": "leaky_relu"}, "skip": {}}, "digits"),
    "cnn": ({"kind": "cnn", "depth": 3, "channels": 4, "activation": "relu", "normalization": "rms_norm"}, "digits"),
    "lstm": ({"kind": "rnn", "cell": "lstm", "width": 8, "depth": 2, "forget_bias": 1.0}, "digit_rows"),
    "transformer": ({"kind": "transformer", "depth": 4, "width": 8, "activation": "gelu", "skip": {}}, "digit_rows"),
    "projections": (
        {
            "kind": "layers",
            "layers": [
                {
                    "kind": "residual",
                    "shortcut": "projection",
                    "scale": 0.5,
                    "body": [{"kind": "conv2d", "out_channels": 4, "padding": 1, "stride": 2}],
                },
                {"kind": "flatten"},
                {"kind": "residual", "shortcut": "projection", "body": [{"kind": "linear", "out_features": 6}]},
                LINEAR,
            ],
        },
        "digits",
    ),
}


def experiment(model: dict[str, Any], data: str) -> Experiment:
    optimizer = {"kind": "adam", "learning_rate": 0.001}
    return Experiment.model_validate({"model": model, "data": {"kind": data}, "optimizer": optimizer})


def run(code: str) -> dict[str, Any]:
    made: dict[str, Any] = {}
    exec(compile(code, "listing", "exec"), made)
    return made


@pytest.mark.parametrize("name", MODELS)
def test_it_runs_and_has_the_parameters_and_the_outputs_of_the_network(name: str):
    spec = experiment(*MODELS[name])
    network = lower(spec)
    model = run(listing(spec))["model"]
    assert sum(parameter.numel() for parameter in model.parameters()) == network.parameters
    assert model(torch.zeros(2, *network.input_shape)).shape == (2, network.outputs)


@pytest.mark.parametrize("scheme", INITIALIZATIONS)
def test_its_hidden_weights_start_from_the_scheme_and_its_readout_from_lecun(scheme: str):
    model = {"kind": "mlp", "depth": 2, "width": 200, "activation": "relu", "initialization": {"scheme": scheme}}
    spec = experiment(model, "digits")
    layers = [module for module in run(listing(spec))["model"] if isinstance(module, torch.nn.Linear)]
    assert layers[1].weight.std().item() == pytest.approx(spec.model.initialization.deviation(200, 200), rel=0.05)
    assert layers[-1].weight.std().item() == pytest.approx(200**-0.5, rel=0.1)
    assert layers[-1].bias.abs().max() == 0


def test_what_repeats_is_written_once():
    assert listing(experiment(*MODELS["mlp"])).count("nn.Linear(16, 16)") == 1
