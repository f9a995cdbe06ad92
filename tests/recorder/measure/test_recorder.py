"""Every statistic against a naive float64 oracle: plain autograd, one tensor at a time."""

import numpy as np
import pytest
import torch
from torch.nn import functional

from gradclinic.experiments.experiment import Experiment
from gradclinic.experiments.lowering import lower
from gradclinic.measurements.record import RunRecord
from gradclinic.measurements.statistics import STATISTICS, TensorStatistic
from gradclinic_workers.train.build import build
from gradclinic_workers.train.fit import train
from gradclinic_workers.train.initialize import BATCHES, generator, initialize

from ...workers import specs

SLOPES = {"tanh": lambda z: 1 - torch.tanh(z) ** 2, "relu": lambda z: (z > 0).double(), "sigmoid": None}
SLOPES["sigmoid"] = lambda z: torch.sigmoid(z) * (1 - torch.sigmoid(z))
STEEPEST = {"tanh": 1.0, "relu": 1.0, "sigmoid": 0.25}


@torch.no_grad()
def by_hand(experiment, modules, *, activation, sites, outputs, start, loss, previous):
    """One step's statistics after its backward, one tensor at a time; and its weights' gradient, flat."""
    batch, rate = experiment.training.batch_size, experiment.optimizer.learning_rate
    weights = [module.weight for module in modules.steps if isinstance(module, torch.nn.Linear)]
    every = torch.cat([parameter.grad.flatten() for parameter in modules.parameters()])
    total = every.norm()
    limit = experiment.clipping.max_norm if experiment.clipping else None
    factor = min(1.0, limit / float(total)) if limit else 1.0
    flat = torch.cat([weight.grad.flatten() for weight in weights])
    found: dict[str, list[float]] = {
        "site_grad_rms": [batch * float((z.grad**2).mean().sqrt()) for z in sites],
        "site_grad_mean_abs": [batch * float(z.grad.abs().mean()) for z in sites],
        "site_grad_max_abs": [batch * float(z.grad.abs().max()) for z in sites],
        "site_grad_zero_fraction": [float((z.grad == 0).double().mean()) for z in sites],
        "site_grad_underflow_fraction": [0.0 for _ in sites],
        "site_grad_nonfinite_count": [0.0 for _ in sites],
        "preactivation_rms": [float((z**2).mean().sqrt()) for z in sites],
        "preactivation_mean": [float(z.mean()) for z in sites],
        "activation_rms": [float((h**2).mean().sqrt()) for h in outputs],
        "activation_batch_std": [
            float(((h - h.mean(dim=0, keepdim=True)) ** 2).mean(dim=0).mean().sqrt()) for h in outputs
        ],
        "saturated_fraction": [
            float((SLOPES[activation](z).abs() < 0.05 * STEEPEST[activation]).double().mean()) for z in sites
        ],
        "beyond_5_fraction": [float((z.abs() > 5).double().mean()) for z in sites],
        "weight_grad_norm_l2": [float(w.grad.norm()) for w in weights],
        "weight_grad_norm_l2_clipped": [factor * float(w.grad.norm()) for w in weights],
        "weight_grad_mean_abs": [float(w.grad.abs().mean()) for w in weights],
        "weight_grad_max_abs": [float(w.grad.abs().max()) for w in weights],
        "weight_grad_zero_fraction": [float((w.grad == 0).double().mean()) for w in weights],
        "weight_grad_nonfinite_count": [0.0 for _ in weights],
        "weight_norm_l2": [float(w.norm()) for w in weights],
        "update_to_weight_ratio": [factor * rate * float(w.grad.norm() / w.norm()) for w in weights],
        "distance_from_start": [float((w - first).norm()) for w, first in zip(weights, start, strict=True)],
        "train_loss": [float(loss)],
        "grad_norm_l2": [float(total)],
        "grad_norm_l2_clipped": [factor * float(total)],
        "learning_rate": [rate],
    }
    if limit:
        found["clipped"] = [float(factor < 1)]
    if previous is not None:
        found["grad_cosine"] = [float(flat @ previous / flat.norm() / previous.norm())]
    for parameter in modules.parameters():
        parameter.sub_(rate * factor * parameter.grad)
    return found, flat.clone()


def oracle(experiment: Experiment, *, activation: str) -> list[dict[str, list[float]]]:
    """The same training in float64 by hand: linear, activation, ..., linear; one dictionary of statistics a step."""
    network = lower(experiment)
    modules = build(network.nodes)
    initialize(dict(modules.named()), network, experiment)
    modules.double()
    split = experiment.data.sample("flat")
    inputs, targets = torch.from_numpy(split.train.inputs).double(), torch.from_numpy(split.train.targets)
    batches = generator(experiment.training.seed, BATCHES)
    start = [module.weight.detach().clone() for module in modules.steps if isinstance(module, torch.nn.Linear)]
    batch = experiment.training.batch_size
    steps, previous = [], None
    for _ in range(experiment.training.steps):
        chosen = torch.randint(len(inputs), (batch,), generator=batches)
        x, sites, outputs = inputs[chosen], [], []
        for module in modules.steps:
            x = module(x)
            if isinstance(module, torch.nn.Linear):
                x.retain_grad()
                sites.append(x)
            else:
                outputs.append(x)
        sites = sites[:-1]  # the readout is left out
        loss = functional.cross_entropy(x, targets[chosen])
        modules.zero_grad()
        loss.backward()
        found, previous = by_hand(
            experiment,
            modules,
            activation=activation,
            sites=sites,
            outputs=outputs,
            start=start,
            loss=loss,
            previous=previous,
        )
        steps.append(found)
    return steps


def measured(record: RunRecord, statistic: str, step: int) -> list[float]:
    series = record.get(statistic)
    return series.values[list(series.steps).index(step)].astype(float).tolist()


@pytest.mark.parametrize("activation", ["tanh", "relu", "sigmoid"])
@pytest.mark.parametrize("clipping", [None, {"kind": "norm", "max_norm": 0.2}])
def test_every_statistic_equals_a_naive_float64_computation(activation, clipping):
    experiment = specs.mlp(activation=activation, clipping=clipping, steps=5)
    record = train(experiment)
    compared = set()
    for step, expected in enumerate(oracle(experiment, activation=activation)):
        for statistic, values in expected.items():
            np.testing.assert_allclose(
                measured(record, statistic, step), values, rtol=2e-4, atol=1e-7, err_msg=f"{statistic} at step {step}"
            )
            compared.add(statistic)
    elsewhere = {"dead_fraction", "probe_loss"} | (set() if clipping else {"clipped"})  # see the tests below
    computed_by_the_loop = {
        name for name, each in STATISTICS.items() if not isinstance(each, TensorStatistic) and not each.only_recorded
    }
    assert compared >= computed_by_the_loop - elsewhere


def test_the_probe_is_the_loss_of_the_first_256_training_samples_and_is_measured_before_and_after():
    experiment = specs.mlp(steps=7)
    record = train(experiment)
    split = experiment.data.sample("flat")
    network = lower(experiment)
    modules = build(network.nodes)
    initialize(dict(modules.named()), network, experiment)
    outputs = modules.double()(torch.from_numpy(split.train.inputs[:256]).double())
    expected = functional.cross_entropy(outputs, torch.from_numpy(split.train.targets[:256])).detach()
    assert list(record.get("probe_loss").steps) == list(range(8))
    assert record.get("probe_loss").values[0, 0] == pytest.approx(float(expected), rel=1e-5)


def test_a_layer_whose_biases_are_far_below_zero_is_dead_and_its_neighbours_are_not():
    killed = {"scheme": "xavier_normal", "bias": -50.0}
    record = train(
        specs.layers(
            {"kind": "linear", "out_features": 8},
            {"kind": "activation", "activation": "relu"},
            {"kind": "linear", "out_features": 8, "initialization": killed},
            {"kind": "activation", "activation": "relu"},
            {"kind": "linear", "out_features": 8},
            {"kind": "activation", "activation": "leaky_relu"},
        )
    )
    dead = record.get("dead_fraction").values[0]
    assert [site.name for site in record.sites] == ["0.linear", "2.linear", "4.linear"]
    assert dead[0] < 0.6
    assert dead[1] == 1.0
    assert dead[2] == 0.0


def test_a_gradient_of_1e_25_is_measured_not_lost_to_underflow():
    tiny = {"scheme": "xavier_normal", "gain": 1e-8}
    record = train(specs.mlp(activation="identity", initialization=tiny, depth=4, steps=2))
    first = record.get("site_grad_rms").values[0, 0]
    assert 0 < first < 1e-20


def test_the_cosine_is_that_of_successive_steps_even_where_the_step_before_is_not_recorded():
    dense = train(specs.mlp(steps=21, recording={"dense_until": 21}))
    sparse = train(specs.mlp(steps=21, recording={"dense_until": 0, "full_every": 10, "every": 10}))
    assert list(sparse.get("grad_cosine").steps) == [10, 20]
    assert measured(sparse, "grad_cosine", 20) == measured(dense, "grad_cosine", 20)


def test_the_plan_decides_which_steps_are_recorded_and_how_fully():
    recording = {"every": 4, "full_every": 10, "dense_until": 2}
    record = train(specs.mlp(steps=30, recording=recording))
    assert list(record.get("weight_norm_l2").steps) == [0, 1, 10, 20]
    assert list(record.get("train_loss").steps) == [0, 1, 4, 8, 10, 12, 16, 20, 24, 28]


def test_the_cosine_compares_successive_steps_even_where_full_records_are_far_apart():
    dense = train(specs.mlp(steps=21, recording={"dense_until": 21}))
    sparse = train(specs.mlp(steps=21, recording={"dense_until": 0, "full_every": 10}))
    assert list(sparse.get("grad_cosine").steps) == [10, 20]
    assert measured(sparse, "grad_cosine", 20) == measured(dense, "grad_cosine", 20)
