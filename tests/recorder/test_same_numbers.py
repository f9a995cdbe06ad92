"""The same network trained as declared and in a loop of one's own: the same numbers, and the same diagnosis."""

from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from gradclinic.diagnosis import diagnose
from gradclinic.experiments.experiment import Experiment
from gradclinic.experiments.losses.cross_entropy import CrossEntropy
from gradclinic.experiments.lowering import lower
from gradclinic.measurements.record import RunRecord, Series
from gradclinic.measurements.statistics import STATISTICS
from gradclinic_torch import Recording
from gradclinic_workers.train.build import build, build_optimizer
from gradclinic_workers.train.fit import train
from gradclinic_workers.train.initialize import BATCHES, NOISE, generator, initialize, stream

STEPS = 60


def spec(**model: Any) -> Experiment:
    changes = {"clipping": model.pop("clipping", None), "precision": model.pop("precision", "float32")}
    kind = model.get("kind", "mlp")
    return Experiment.model_validate(
        {
            "model": {"kind": kind, "depth": 8, "activation": "sigmoid", **model},
            "data": {"kind": "digits"},
            "optimizer": {"kind": "sgd", "learning_rate": 0.1},
            "clipping": changes["clipping"],
            "training": {"steps": STEPS, "batch_size": 32},
        }
    )


class Plain(nn.Module):
    """The service's network as an owner would call it."""

    def __init__(self, modules: nn.Module) -> None:
        super().__init__()
        self.net = modules

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        found: torch.Tensor = self.net(inputs)
        return found


def in_its_own_loop(experiment: Experiment) -> RunRecord:
    """The experiment once more, by a loop that knows nothing of the service's."""
    network = lower(experiment)
    modules = build(network.nodes)
    initialize(dict(modules.named()), network, experiment)
    model = Plain(modules)
    split = experiment.data.sample(experiment.model.layout())
    inputs, targets = torch.from_numpy(split.train.inputs), torch.from_numpy(split.train.targets)
    optimizer, criterion = build_optimizer(experiment.optimizer, model.parameters()), nn.CrossEntropyLoss()
    batches = generator(experiment.training.seed, BATCHES)
    torch.manual_seed(stream(experiment.training.seed, NOISE))
    recording = Recording(
        model, optimizer, criterion, steps=STEPS, probe=(inputs[:256], targets[:256]),
        constant_loss=CrossEntropy().constant(split.train.targets),
        clipping=experiment.clipping.to_json() if experiment.clipping else None,
    )  # fmt: skip
    with recording:
        for _ in range(STEPS):
            chosen = torch.randint(len(inputs), (32,), generator=batches)
            optimizer.zero_grad()
            loss = criterion(model(inputs[chosen]), targets[chosen])
            loss.backward()
            recording.after_backward(loss)
            if experiment.clipping is not None:
                nn.utils.clip_grad_norm_(model.parameters(), experiment.clipping.max_norm)  # type: ignore[attr-defined]
            optimizer.step()
    assert recording.over is None
    return recording.record


CASES = {
    "sigmoid": spec(width=24),
    "relu, batch norm": spec(width=24, activation="relu", normalization="batch_norm"),
    "tanh, layer norm, clipped": spec(
        width=24, activation="tanh", normalization="layer_norm", clipping={"kind": "norm", "max_norm": 0.1}
    ),
    "leaky relu, skip connections": spec(
        width=24, activation={"name": "leaky_relu", "negative_slope": 0.2}, skip={"scale": 0.5}
    ),
    "convolutions": spec(kind="cnn", depth=4, channels=6, activation="relu"),
}

SELDOM = {
    "dead_fraction", "learning_rate", "clipped", "grad_norm_l2", "grad_norm_l2_clipped",
    "weight_grad_norm_l2", "weight_grad_norm_l2_clipped",
}  # fmt: skip
"""What a recorded loop measures more rarely. Dead units are looked for on its own batches, at the end on the probe."""


def at_steps(series: Series, steps: Sequence[int]) -> Series:
    """The records of these steps."""
    chosen = np.isin(series.steps, steps)
    return Series(series.steps[chosen], series.values[chosen])


@cache
def both(name: str) -> tuple[RunRecord, RunRecord]:
    """The case as declared, and in its own loop; trained once for all tests."""
    return train(CASES[name]), in_its_own_loop(CASES[name])


@pytest.mark.parametrize("name", CASES)
def test_every_statistic_is_the_same(name: str) -> None:
    declared, own = both(name)
    assert [site.kind for site in own.sites] == [site.kind for site in declared.sites]
    assert [site.in_profile for site in own.sites] == [site.in_profile for site in declared.sites]
    assert [site.activation for site in own.sites] == [site.activation for site in declared.sites]
    assert [site.units for site in own.sites] == [site.units for site in declared.sites]
    assert [(weight.shape, weight.readout) for weight in own.weights] == [
        (weight.shape, weight.readout) for weight in declared.weights
    ]
    for statistic in (name for name, each in STATISTICS.items() if not each.only_recorded):
        ours, theirs = own.get(statistic), declared.get(statistic)
        if statistic == "clipped" and not len(theirs):
            assert not ours.values.any()
            continue
        assert ours.steps.tolist() == theirs.steps.tolist() or statistic in SELDOM, statistic
        assert set(ours.steps.tolist()) <= set(theirs.steps.tolist()), statistic
        wanted = [each for each in ours.steps if statistic != "dead_fraction" or each == STEPS]
        ours, theirs = at_steps(ours, wanted), at_steps(theirs, wanted)
        # torch's own clipping divides by a norm that is 1e-6 larger, and a mean after layer norm is only rounding.
        # A cosine is as exact as the directions of float32 gradients are.
        close = 1e-6 if statistic in {"preactivation_mean", "grad_cosine"} else 1e-9
        np.testing.assert_allclose(ours.values, theirs.values, rtol=2e-5, atol=close, err_msg=statistic)


@pytest.mark.parametrize("name", CASES)
def test_the_diagnosis_is_the_same(name: str) -> None:
    declared, own = (diagnose(record) for record in both(name))
    assert own.primary == declared.primary
    assert [(each.condition, each.harm) for each in own.findings] == [
        (each.condition, each.harm) for each in declared.findings
    ]
