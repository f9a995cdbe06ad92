"""Labelled experiments near a boundary, and faults planted in one layer of a sound network; reported separately.

Near a boundary, a draw may fall on either side, so both diagnoses are acceptable. The label of a planted fault is
certain, and its layer is known.
"""

import numpy as np

from gradclinic.diagnosis import Condition
from gradclinic.experiments.experiment import Experiment

from .cases import Case
from .generate import CLEAN, Draw, Spec, between, build, mlp, pick, sgd, whole


def _planted(
    draw: Draw, faulty: Spec, *, activation: str, scheme: str, depth: int, data: Spec, rate: float
) -> tuple[Experiment, int]:
    """A list of layers, one of which (neither the first nor the last) starts from `faulty`; and its place."""
    place = whole(draw, 1, depth - 2)
    width = pick(draw, (32, 48, 64))
    layers: list[Spec] = []
    for index in range(depth):
        own = faulty if index == place else {"scheme": scheme}
        layers.append({"kind": "linear", "out_features": width, "initialization": own})
        layers.append({"kind": "activation", "activation": activation})
    layers.append({"kind": "linear", "out_features": 1 if data["kind"] == "teacher" else 10})
    return build({"kind": "layers", "layers": layers, "initialization": {"scheme": scheme}}, data, sgd(rate)), place


def _one_dead_layer(draw: Draw) -> tuple[Experiment, Condition, tuple[Condition, ...], int]:
    faulty = {"scheme": "kaiming_normal", "bias": -between(draw, 12.0, 30.0)}
    experiment, place = _planted(
        draw,
        faulty,
        activation="relu",
        scheme="kaiming_normal",
        depth=whole(draw, 5, 9),
        data={"kind": "digits"},
        rate=0.05,
    )
    return experiment, "dead_units", (), place


def _one_saturated_layer(draw: Draw) -> tuple[Experiment, Condition, tuple[Condition, ...], int]:
    faulty = {"scheme": "xavier_normal", "bias": between(draw, 8.0, 15.0)}
    experiment, place = _planted(
        draw,
        faulty,
        activation="tanh",
        scheme="xavier_normal",
        depth=whole(draw, 5, 9),
        data={"kind": "digits"},
        rate=0.02,
    )
    return experiment, "saturated_activations", ("vanishing_gradients",), place


def _one_layer_too_small(draw: Draw) -> tuple[Experiment, Condition, tuple[Condition, ...], int]:
    faulty = {"scheme": "kaiming_normal", "gain": between(draw, 1e-4, 3e-3, log=True)}
    experiment, place = _planted(
        draw,
        faulty,
        activation="relu",
        scheme="kaiming_normal",
        depth=whole(draw, 6, 12),
        data={"kind": "digits"},
        rate=0.03,
    )
    # Plain descent often restores such a layer: then the finding is there, without harm.
    return experiment, "vanishing_gradients", ("healthy", "oscillating_loss"), place


def _one_layer_too_large(draw: Draw) -> tuple[Experiment, Condition, tuple[Condition, ...], int]:
    faulty = {"scheme": "kaiming_normal", "gain": between(draw, 100.0, 1000.0, log=True)}
    experiment, place = _planted(
        draw,
        faulty,
        activation="leaky_relu",
        scheme="kaiming_normal",
        depth=whole(draw, 6, 12),
        data=pick(draw, (CLEAN, {"kind": "digits"})),
        rate=0.03,
    )
    return experiment, "exploding_gradients", ("divergence",), place


def _between_one_and_two_orders(draw: Draw) -> tuple[Experiment, Condition, tuple[Condition, ...], None]:
    depth = whole(draw, 10, 20)
    orders = between(draw, 1.0, 2.0)
    gain = 2.0**0.5 * 10.0 ** (-orders / (depth - 1))
    model = mlp(draw, "relu", "lecun_normal", depth, gain=gain)
    experiment = build(model, {"kind": "digits"}, sgd(between(draw, 0.01, 0.05)))
    return experiment, "vanishing_gradients", ("healthy", "slow_convergence", "oscillating_loss"), None


def _near_the_stable_step(draw: Draw) -> tuple[Experiment, Condition, tuple[Condition, ...], None]:
    model = mlp(draw, "relu", "kaiming_normal", whole(draw, 2, 4))
    experiment = build(model, {"kind": "digits"}, sgd(between(draw, 0.3, 1.5, log=True)))
    return experiment, "oscillating_loss", ("healthy", "divergence", "dead_units"), None


def _late_onset(draw: Draw) -> tuple[Experiment, Condition, tuple[Condition, ...], None]:
    model = mlp(draw, pick(draw, ("relu", "leaky_relu")), "kaiming_normal", whole(draw, 2, 4))
    schedule = {"kind": "linear_warmup", "warmup_steps": whole(draw, 150, 250)}
    experiment = build(model, CLEAN, sgd(between(draw, 3.0, 8.0)), schedule=schedule)
    return experiment, "divergence", ("dead_units",), None


def _small_but_not_tiny_steps(draw: Draw) -> tuple[Experiment, Condition, tuple[Condition, ...], None]:
    model = mlp(draw, "relu", "kaiming_normal", whole(draw, 3, 5))
    experiment = build(model, {"kind": "digits"}, sgd(between(draw, 1e-4, 2e-3, log=True)))
    return experiment, "slow_convergence", ("healthy",), None


def _deep_batch_norm(draw: Draw) -> tuple[Experiment, Condition, tuple[Condition, ...], None]:
    """Batch norm lets gradients grow by 1.21 a layer in ReLU networks (Yang et al. 2019, arXiv:1902.08129).

    It hurts: 24 layers under Adam 0.001 keep 94 % of the digits' loss after 300 steps, without the norm 15 %, with skip
    connections scaled by 0.2 beside it 3 %. With larger steps or more of them it learns, so both names are right.
    """
    model = mlp(draw, "relu", "kaiming_normal", whole(draw, 20, 30), normalization="batch_norm")
    data = pick(draw, ({"kind": "digits"}, {"kind": "breast_cancer"}, {"kind": "wine"}))
    optimizer = {"kind": "adam", "learning_rate": between(draw, 0.001, 0.003, log=True)}
    return build(model, data, optimizer), "exploding_gradients", ("healthy",), None


PLANTED = (_one_dead_layer, _one_saturated_layer, _one_layer_too_small, _one_layer_too_large)
EDGES = (_between_one_and_two_orders, _near_the_stable_step, _late_onset, _small_but_not_tiny_steps, _deep_batch_norm)


def borderline(count: int, *, seed: int) -> list[Case]:
    """`count` experiments near the edges or with one bad layer, drawn family by family in turn."""
    cases = []
    families = (*PLANTED, *EDGES)
    for index in range(count):
        draw = np.random.default_rng([seed, index, 1])
        make = families[index % len(families)]
        experiment, expected, also, culprit = make(draw)
        name = f"{make.__name__.strip('_')}_{index}"
        seeds = (int(draw.integers(2**31)),)
        cases.append(Case(name, experiment, seeds, expected, also, culprit, borderline=True))
    return cases
