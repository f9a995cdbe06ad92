"""A lane equals its lone run in float64, whatever the network, the optimizer and the clipping are."""

from typing import Any

import pytest
import torch
from torch import Tensor

from gradclinic.experiments.experiment import Experiment
from gradclinic_workers.train import fit, training_data
from gradclinic_workers.train.build import build
from gradclinic_workers.train.lanes.ensemble import Ensemble
from gradclinic_workers.train.lanes.lane import Lane
from gradclinic_workers.train.reporter import Silent
from tests.workers import specs

LINEAR, TANH = {"kind": "linear", "out_features": 8}, {"kind": "activation", "activation": "tanh"}
NETWORKS = {
    "activations": [
        part
        for activation in ("relu", "prelu", {"name": "leaky_relu", "negative_slope": 0.2}, "gelu", "silu")
        for part in (LINEAR, {"kind": "activation", "activation": activation})
    ],
    "norms": [  # a bias before a batch norm has no gradient but rounding, which Adam would enlarge
        *(LINEAR | {"bias": False}, {"kind": "batch_norm"}, TANH),
        *(part for norm in ("layer_norm", "rms_norm") for part in (LINEAR, {"kind": norm}, TANH)),
    ],
    "blocks": [
        LINEAR,
        {"kind": "residual", "body": [LINEAR, TANH, LINEAR], "scale": 0.5},
        {"kind": "residual", "body": [LINEAR | {"out_features": 6}, TANH], "shortcut": "projection"},
        {"kind": "block", "body": [LINEAR, TANH]},
    ],
    "noise": [LINEAR, TANH, {"kind": "dropout", "p": 0.2}, LINEAR, TANH, {"kind": "dropout", "p": 0.5}],
    "attention": [
        *(LINEAR, {"kind": "learned_positions"}),
        {"kind": "residual", "body": [{"kind": "layer_norm"}, {"kind": "self_attention", "heads": 2}]},
        *({"kind": "self_attention", "causal": True}, TANH, {"kind": "global_avg_pool"}),
    ],
    "the last step": [{"kind": "learned_positions"}, {"kind": "self_attention"}, {"kind": "last_step"}, LINEAR, TANH],
    "plain cells": [
        *({"kind": "recurrent", "width": 6}, {"kind": "recurrent", "width": 5, "nonlinearity": "relu"}),
        *({"kind": "recurrent", "width": 4, "nonlinearity": "sigmoid"}, {"kind": "last_step"}),
    ],
    "gated cells": [
        {"kind": "recurrent", "cell": "lstm", "width": 6, "forget_bias": 1.0},
        *({"kind": "dropout", "p": 0.2}, {"kind": "recurrent", "cell": "gru", "width": 5, "layers": 2}),
        {"kind": "global_avg_pool"},
    ],
    "symbols": [
        *({"kind": "embedding", "symbols": 20, "width": 5}, {"kind": "layer_norm"}),
        *({"kind": "recurrent", "cell": "gru", "width": 6}, {"kind": "last_step"}),
    ],
    "a frozen layer": [LINEAR, TANH, LINEAR | {"trainable": False, "bias": False}, TANH],
}
DATA = {
    **dict.fromkeys(("attention", "the last step", "plain cells", "gated cells"), "first_token"),
    "symbols": "copy_memory",
}
"""Where it is not the moons."""
KEYS = ("attention", "the last step")
"""The bias of attention's keys has no gradient but rounding; only SGD leaves it small."""
OPTIMIZERS = [
    {"kind": "sgd", "learning_rate": 0.1},
    {"kind": "sgd", "learning_rate": 0.05, "momentum": 0.9, "nesterov": True, "weight_decay": 0.01},
    {"kind": "adam", "learning_rate": 0.01},
    {"kind": "adamw", "learning_rate": 0.01},
    {"kind": "rmsprop", "learning_rate": 0.01, "momentum": 0.5},
    {"kind": "adagrad", "learning_rate": 0.05, "lr_decay": 0.1},
]
CLIPPINGS = [
    None,
    {"kind": "norm", "max_norm": 0.1},
    {"kind": "value", "max_value": 0.01},
    {"kind": "adaptive", "factor": 0.01},
]
SCHEDULES = [{"kind": "constant"}, {"kind": "linear_warmup", "warmup_steps": 3}, {"kind": "cosine"}]
STEPS = 8


@pytest.fixture
def in_float64(monkeypatch: pytest.MonkeyPatch) -> None:
    """Trains in float64 what a worker trains in float32."""
    tensors = training_data._tensors

    def doubled(*given: Any) -> tuple[Tensor, ...]:
        return tuple(each.double() if each.is_floating_point() else each for each in tensors(*given))

    monkeypatch.setattr(training_data, "_tensors", doubled)
    monkeypatch.setattr(training_data, "_SHARED", {})
    monkeypatch.setattr(fit, "build", lambda nodes: build(nodes).double())
    monkeypatch.setattr(Tensor, "float", Tensor.double)


def lane(index: int, experiment: Experiment) -> Lane:
    made = Lane(index, experiment, reporter=Silent(), record=True)
    with made.alone() as own:
        own.begin(None)
    return made


def trained_alone(experiment: Experiment) -> fit.Fit:
    with torch.random.fork_rng():
        run = fit.Fit(experiment, device="cpu", reporter=Silent(), record=True)
        run.begin(None)
        for _ in range(STEPS):
            run.one_step()
        run.flush(checkpoint=False)
        return run


def trained_together(experiments: list[Experiment]) -> list[fit.Fit]:
    with torch.random.fork_rng():
        lanes = [lane(index, experiment) for index, experiment in enumerate(experiments)]
        ensemble = Ensemble(lanes, record=True)
        for _ in range(STEPS):
            assert ensemble.step() == []
        ensemble.hand_over()
        for each in lanes:
            each.fit.flush(checkpoint=False)
        return [each.fit for each in lanes]


def assert_equal(lane: fit.Fit, alone: fit.Fit) -> None:
    for (name, found), expected in zip(
        lane.modules.state_dict().items(), alone.modules.state_dict().values(), strict=True
    ):
        torch.testing.assert_close(found, expected, rtol=1e-12, atol=1e-12, msg=name)
    for found, expected in zip(lane.parameters, alone.parameters, strict=True):
        torch.testing.assert_close(
            dict(lane.optimizer.state[found]), dict(alone.optimizer.state[expected]), rtol=1e-12, atol=1e-12
        )
    measured, same = lane.recorded.series(), alone.recorded.series()
    assert set(measured) == set(same)
    for name, series in same.items():
        assert measured[name].steps.tolist() == series.steps.tolist(), name
        torch.testing.assert_close(
            torch.from_numpy(measured[name].values),
            torch.from_numpy(series.values),
            rtol=1e-6,
            atol=1e-12,
            equal_nan=True,
            msg=name,
        )


@pytest.mark.parametrize("network", NETWORKS)
@pytest.mark.usefixtures("in_float64")
def test_a_lane_equals_its_lone_run_in_float64(network: str) -> None:
    data = DATA.get(network, "moons")
    classes = 8 if data == "copy_memory" else 2
    experiments = [
        specs.layers(*NETWORKS[network], data=data, classes=classes, steps=STEPS, seed=seed, optimizer=optimizer)
        for seed, optimizer in enumerate(OPTIMIZERS[:2] if network in KEYS else OPTIMIZERS)
    ]
    experiments = [
        Experiment.model_validate(each.to_json() | {"clipping": CLIPPINGS[index % 4], "schedule": SCHEDULES[index % 3]})
        for index, each in enumerate(experiments)
    ]
    for found, experiment in zip(trained_together(experiments), experiments, strict=True):
        assert_equal(found, trained_alone(experiment))


@pytest.mark.parametrize(
    ("data", "loss", "ending"),
    [
        ("moons", {"kind": "cross_entropy", "label_smoothing": 0.1}, None),
        ("moons", {"kind": "binary_cross_entropy"}, None),
        ("moons", {"kind": "nll"}, "log_softmax"),
        ("teacher", {"kind": "mse"}, None),
        ("teacher", {"kind": "l1"}, None),
        ("teacher", {"kind": "huber"}, None),
    ],
)
@pytest.mark.usefixtures("in_float64")
def test_a_lane_has_the_loss_of_its_lone_run(data: str, loss: dict[str, object], ending: str | None) -> None:
    experiments = [
        Experiment.model_validate(
            specs.mlp(data=data, seed=seed).to_json()
            | {"loss": loss, "output_activation": ending, "data": {"kind": data, "seed": seed // 2}}
        )
        for seed in range(3)
    ]
    for found, experiment in zip(trained_together(experiments), experiments, strict=True):
        assert_equal(found, trained_alone(experiment))
