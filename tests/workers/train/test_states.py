"""Statistics of recurrent states, blocks and channels against a naive float64 computation."""

import numpy as np
import pytest
import torch
from torch.nn import functional

from gradclinic.experiments.experiment import Experiment
from gradclinic.experiments.lowering import lower
from gradclinic_workers.train.build import build
from gradclinic_workers.train.fit import train
from gradclinic_workers.train.initialize import BATCHES, generator, initialize

torch.set_num_threads(1)

MODELS = {
    "rnn": ({"kind": "rnn", "cell": "rnn", "width": 6, "depth": 2}, "digit_rows"),
    "relu rnn": ({"kind": "rnn", "cell": "rnn", "width": 6, "activation": "relu"}, "digit_rows"),
    "gru": ({"kind": "rnn", "cell": "gru", "width": 6}, "digit_rows"),
    "lstm": ({"kind": "rnn", "cell": "lstm", "width": 6, "forget_bias": 1.0}, "digit_rows"),
    "cnn": ({"kind": "cnn", "depth": 3, "channels": 4, "activation": "relu", "normalization": "layer_norm"}, "digits"),
    "skip": (
        {"kind": "cnn", "depth": 3, "channels": 4, "activation": "tanh", "skip": {"scale": 0.5}},
        "digits",
    ),
    "transformer": (
        {"kind": "transformer", "depth": 2, "width": 8, "heads": 2, "activation": "gelu", "skip": {}},
        "digit_rows",
    ),
}


def first_step(experiment):
    """The step's tapped tensors with their gradients, all in float64, by plain autograd."""
    network = lower(experiment)
    modules = build(network.nodes)
    initialize(dict(modules.named()), network, experiment)
    modules = modules.double()
    train_split = experiment.data.sample(experiment.model.layout()).train
    chosen = torch.randint(
        len(train_split), (experiment.training.batch_size,), generator=generator(experiment.training.seed, BATCHES)
    )
    tapped = {}

    def tap(name, tensor):
        tensor.retain_grad()
        tapped[name] = tensor

    inputs, targets = torch.from_numpy(train_split.inputs)[chosen], torch.from_numpy(train_split.targets)[chosen]
    torch.autograd.backward(functional.cross_entropy(modules(inputs.double(), tap), targets))
    return network, tapped


@pytest.mark.parametrize("kind", MODELS)
def test_gradients_at_every_site_are_those_of_plain_autograd(kind):
    model, data = MODELS[kind]
    experiment = Experiment.model_validate(
        {
            "model": {**model, "initialization": {"scheme": "xavier_normal", "gain": 1.3}},
            "data": {"kind": data},
            "optimizer": {"kind": "sgd", "learning_rate": 0.1},
            "training": {"steps": 1, "batch_size": 12, "seed": 5},
        }
    )
    network, tapped = first_step(experiment)
    record = train(experiment)
    assert [site.name for site in record.sites] == [site.name for site in network.sites]

    def expect(statistic, naive):
        values = [float(naive(site).detach()) for site in network.sites]
        np.testing.assert_allclose(record.get(statistic).values[0], values, rtol=2e-4, atol=1e-7, err_msg=statistic)

    expect("site_grad_rms", lambda site: 12 * (tapped[site.tap].grad ** 2).mean().sqrt())
    expect("site_grad_max_abs", lambda site: 12 * tapped[site.tap].grad.abs().max())
    expect("preactivation_rms", lambda site: (tapped[site.before or site.tap] ** 2).mean().sqrt())
    expect("activation_rms", lambda site: (tapped[site.output or site.tap] ** 2).mean().sqrt())
    for column, site in enumerate(network.sites):
        if site.activation is not None:
            z = tapped[site.before or site.tap].detach().numpy()
            low, high = site.activation.saturation_bounds()
            share = ((z < low) | (z > high)).mean()
            assert record.get("saturated_fraction").values[0][column] == pytest.approx(share, abs=1e-6)


def test_a_relu_state_that_never_fires_is_dead():
    experiment = Experiment.model_validate(
        {
            "model": {
                "kind": "layers",
                "layers": [
                    {"kind": "recurrent", "width": 5, "nonlinearity": "relu"},
                    {"kind": "last_step"},
                    {"kind": "linear", "out_features": 2},
                ],
                "initialization": {"scheme": "orthogonal"},
            },
            "data": {"kind": "first_token", "length": 4, "standardize": False, "scale": 1e-30},
            "optimizer": {"kind": "sgd", "learning_rate": 0.1},
            "training": {"steps": 1, "batch_size": 8},
        }
    )
    dead = train(experiment).get("dead_fraction").values[0]
    assert dead.shape == (4,)
    assert np.isfinite(dead).all()
