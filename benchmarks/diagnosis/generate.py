"""Random labelled experiments, drawn with a given seed; their labels are known by construction.

Every family puts one cause into an otherwise sensible network, far enough from the edge that the label is not a
matter of taste. Experiments near the edges are drawn in `borderline`.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from gradclinic.experiments.experiment import Experiment

from .cases import Case

Draw = np.random.Generator
Spec = dict[str, Any]

_TABULAR: tuple[Spec, ...] = (
    {"kind": "digits"},
    {"kind": "blobs", "std": 3.0},
    {"kind": "moons"},
    {"kind": "circles"},
    {"kind": "wine"},
    {"kind": "breast_cancer"},
)
_EASY: tuple[Spec, ...] = ({"kind": "digits"}, {"kind": "blobs"}, {"kind": "wine"}, {"kind": "breast_cancer"})
CLEAN: Spec = {"kind": "teacher"}


def pick(draw: Draw, options: Sequence[Any]) -> Any:
    return options[int(draw.integers(len(options)))]


def between(draw: Draw, low: float, high: float, *, log: bool = False) -> float:
    value = np.exp(draw.uniform(np.log(low), np.log(high))) if log else draw.uniform(low, high)
    return float(f"{value:.3g}")


def whole(draw: Draw, low: int, high: int) -> int:
    return int(draw.integers(low, high + 1))


def build(
    model: Spec, data: Spec, optimizer: Spec, *, steps: int = 300, batch_size: int = 64, **parts: Any
) -> Experiment:
    spec = {"model": model, "data": data, "optimizer": optimizer, **parts}
    return Experiment.model_validate({**spec, "training": {"steps": steps, "batch_size": batch_size}})


def sgd(rate: float, momentum: float = 0.0) -> Spec:
    return {"kind": "sgd", "learning_rate": rate, "momentum": momentum}


def mlp(draw: Draw, activation: Any, scheme: str, depth: int, *, gain: float = 1.0, **knobs: Any) -> Spec:
    initialization = {"scheme": scheme, "gain": gain, **knobs.pop("initialization", {})}
    width = knobs.pop("width", None) or pick(draw, (24, 32, 48, 64))
    return {
        "kind": "mlp",
        "depth": depth,
        "width": width,
        "activation": activation,
        "initialization": initialization,
        **knobs,
    }


# --- one family a function ---


def _sigmoid_deep(draw: Draw) -> Experiment:
    scheme = pick(draw, ("xavier_normal", "xavier_uniform", "lecun_normal", "torch_default"))
    model = mlp(draw, "sigmoid", scheme, whole(draw, 8, 24))
    return build(model, pick(draw, _TABULAR), sgd(between(draw, 0.03, 0.5, log=True)))


def _ordered_phase(draw: Draw) -> Experiment:
    activation = pick(draw, ("tanh", "elu", "selu", "softsign", "leaky_relu"))
    model = mlp(draw, activation, "lecun_normal", whole(draw, 16, 30), gain=between(draw, 0.35, 0.6))
    return build(model, pick(draw, _TABULAR), sgd(between(draw, 0.03, 0.2, log=True)))


def _relu_small(draw: Draw) -> Experiment:
    model = mlp(draw, "relu", "lecun_normal", whole(draw, 14, 26), gain=between(draw, 0.4, 0.75))
    return build(model, pick(draw, _TABULAR), sgd(between(draw, 0.03, 0.2, log=True)))


def _sigmoid_cnn(draw: Draw) -> Experiment:
    model = {
        "kind": "cnn",
        "depth": whole(draw, 7, 12),
        "channels": pick(draw, (8, 12, 16)),
        "activation": "sigmoid",
        "initialization": {"scheme": "xavier_normal"},
    }
    return build(model, {"kind": "digits"}, sgd(between(draw, 0.05, 0.3, log=True)), steps=150)


def _forgetful_rnn(draw: Draw) -> Experiment:
    model = {
        "kind": "rnn",
        "cell": "rnn",
        "width": pick(draw, (24, 32, 48)),
        "activation": "tanh",
        "initialization": {"scheme": "lecun_normal", "gain": between(draw, 0.35, 0.6)},
    }
    data = {"kind": "first_token", "length": whole(draw, 30, 50)}
    return build(model, data, {"kind": "adam", "learning_rate": between(draw, 0.001, 0.004)}, steps=150)


def _large_gain(draw: Draw) -> Experiment:
    activation = pick(draw, ("relu", "leaky_relu", "elu", "gelu", "silu"))
    model = mlp(draw, activation, "lecun_normal", whole(draw, 13, 22), gain=between(draw, 2.5, 3.5))
    data = pick(draw, ({"kind": "digits"}, {"kind": "blobs", "std": 3.0}, CLEAN, {"kind": "wine"}))
    return build(model, data, sgd(between(draw, 0.01, 0.05, log=True)))


def _unscaled_residual(draw: Draw) -> Experiment:
    model = mlp(draw, pick(draw, ("relu", "leaky_relu")), "kaiming_normal", whole(draw, 26, 40), skip={"scale": 1.0})
    return build(model, pick(draw, (CLEAN, {"kind": "digits"})), sgd(between(draw, 0.02, 0.1, log=True)))


def _large_gain_cnn(draw: Draw) -> Experiment:
    model = {
        "kind": "cnn",
        "depth": whole(draw, 11, 15),
        "channels": pick(draw, (8, 12, 16)),
        "activation": pick(draw, ("relu", "leaky_relu")),
        "initialization": {"scheme": "lecun_normal", "gain": between(draw, 2.6, 3.2)},
    }
    return build(model, {"kind": "digits"}, sgd(between(draw, 0.01, 0.05, log=True)), steps=120)


def _chaotic_rnn(draw: Draw) -> Experiment:
    model = {
        "kind": "rnn",
        "cell": "rnn",
        "width": pick(draw, (32, 48, 64)),
        "activation": "tanh",
        "initialization": {"scheme": "lecun_normal", "gain": between(draw, 2.8, 4.0)},
    }
    data = {"kind": "adding_problem", "length": whole(draw, 28, 45)}
    return build(model, data, sgd(between(draw, 0.03, 0.08)), steps=150)


def _negative_bias(draw: Draw) -> Experiment:
    gain = between(draw, 0.4, 1.2)
    initialization = {"bias": -between(draw, 3.0, 5.0) * gain}
    model = mlp(
        draw,
        pick(draw, ("relu", "relu6")),
        "lecun_normal",
        whole(draw, 3, 7),
        gain=gain,
        initialization=initialization,
    )
    return build(model, pick(draw, _TABULAR), sgd(between(draw, 0.03, 0.2, log=True)))


def _killed_by_steps(draw: Draw) -> Experiment:
    model = mlp(draw, "relu", "kaiming_normal", whole(draw, 5, 8))
    return build(model, {"kind": "digits"}, sgd(between(draw, 6.0, 15.0)), steps=200)


def _biased_to_the_end(draw: Draw) -> Experiment:
    activation, bias = pick(draw, (("sigmoid", (7.5, 12.0)), ("tanh", (4.5, 8.0)), ("hardtanh", (3.5, 6.0))))
    sign = pick(draw, (-1.0, 1.0))
    model = mlp(
        draw, activation, "lecun_normal", whole(draw, 3, 7), initialization={"bias": sign * between(draw, *bias)}
    )
    return build(model, pick(draw, _TABULAR), sgd(between(draw, 0.03, 0.2, log=True)))


def _weights_too_large(draw: Draw) -> Experiment:
    model = mlp(
        draw, pick(draw, ("tanh", "hardtanh")), "lecun_normal", whole(draw, 4, 7), gain=between(draw, 25.0, 60.0)
    )
    return build(model, CLEAN, sgd(between(draw, 0.001, 0.004, log=True)))


def _inputs_weighted_rnn(draw: Draw) -> Experiment:
    model = {
        "kind": "rnn",
        "cell": "rnn",
        "width": pick(draw, (24, 32)),
        "activation": "tanh",
        "initialization": {"scheme": "lecun_normal", "input_gain": between(draw, 40.0, 90.0)},
    }
    data = {"kind": "first_token", "length": whole(draw, 15, 30)}
    return build(model, data, {"kind": "adam", "learning_rate": between(draw, 0.001, 0.004)}, steps=150)


def _regression_runs_away(draw: Draw) -> Experiment:
    activation, scheme = pick(
        draw, (("relu", "kaiming_normal"), ("identity", "lecun_normal"), ("leaky_relu", "kaiming_normal"))
    )
    model = mlp(draw, activation, scheme, whole(draw, 2, 5))
    return build(model, CLEAN, sgd(between(draw, 1.5, 5.0)))


def _momentum_runs_away(draw: Draw) -> Experiment:
    model = mlp(draw, "relu", "kaiming_normal", whole(draw, 3, 7), skip={"scale": between(draw, 0.2, 0.4)})
    return build(model, CLEAN, sgd(between(draw, 0.7, 2.0), 0.9))


def _jumping_tanh(draw: Draw) -> Experiment:
    model = mlp(draw, "tanh", "xavier_normal", whole(draw, 2, 3))
    data = {"kind": "blobs", "std": between(draw, 6.5, 9.0)}
    return build(model, data, sgd(between(draw, 4.0, 8.0)))


def _jumping_batch_norm(draw: Draw) -> Experiment:
    model = mlp(
        draw, pick(draw, ("relu", "leaky_relu")), "kaiming_normal", whole(draw, 2, 4), normalization="batch_norm"
    )
    data = pick(draw, ({"kind": "moons"}, {"kind": "spirals"}, {"kind": "circles"}))
    return build(model, data, sgd(between(draw, 5.0, 10.0)), batch_size=32)


def _tiny_steps(draw: Draw) -> Experiment:
    activation, scheme = pick(draw, (("relu", "kaiming_normal"), ("tanh", "xavier_normal"), ("elu", "lecun_normal")))
    model = mlp(draw, activation, scheme, whole(draw, 2, 6))
    return build(model, pick(draw, _TABULAR), sgd(between(draw, 1e-6, 3e-5, log=True)))


def _tiny_clip(draw: Draw) -> Experiment:
    model = mlp(draw, "relu", "kaiming_normal", whole(draw, 3, 6))
    clipping = {"kind": "norm", "max_norm": between(draw, 1e-5, 3e-4, log=True)}
    return build(model, pick(draw, _EASY), sgd(between(draw, 0.05, 0.1)), clipping=clipping)


def _too_simple(draw: Draw) -> Experiment:
    model = mlp(draw, "identity", "lecun_normal", whole(draw, 1, 4))
    data = pick(draw, ({"kind": "spirals", "turns": between(draw, 1.3, 2.0)}, {"kind": "circles"}))
    return build(model, data, sgd(between(draw, 0.02, 0.08)))


def _healthy_mlp(draw: Draw) -> Experiment:
    activation, scheme = pick(
        draw,
        (
            ("relu", "kaiming_normal"),
            ("leaky_relu", "kaiming_uniform"),
            ("tanh", "xavier_normal"),
            ("elu", "lecun_normal"),
            ("selu", "lecun_normal"),
            ("silu", "kaiming_normal"),
        ),
    )
    model = mlp(draw, activation, scheme, whole(draw, 2, 6))
    return build(model, pick(draw, _EASY), sgd(between(draw, 0.03, 0.08, log=True)))


def _healthy_adam(draw: Draw) -> Experiment:
    model = mlp(draw, pick(draw, ("relu", "gelu", "tanh")), "kaiming_normal", whole(draw, 2, 8))
    optimizer = {"kind": "adam", "learning_rate": between(draw, 0.001, 0.003, log=True)}
    return build(model, pick(draw, (*_EASY, CLEAN)), optimizer)


def _healthy_deep(draw: Draw) -> Experiment:
    depth = whole(draw, 10, 30)
    if draw.random() < 0.5:
        # Deeper ones explode by batch norm's own doing (a factor of 1.21 a layer) and are drawn in `borderline`.
        model = mlp(draw, "relu", "kaiming_normal", min(depth, 16), normalization="batch_norm")
        return build(model, pick(draw, _EASY), {"kind": "adam", "learning_rate": 0.003})
    model = mlp(draw, "relu", "kaiming_normal", depth, skip={"scale": round(depth**-0.5, 3)})
    return build(model, pick(draw, _EASY), sgd(between(draw, 0.02, 0.05)))


def _healthy_cnn(draw: Draw) -> Experiment:
    model = {
        "kind": "cnn",
        "depth": whole(draw, 3, 7),
        "channels": pick(draw, (12, 16)),
        "activation": "relu",
        "initialization": {"scheme": "kaiming_normal"},
        "normalization": "batch_norm",
    }
    return build(model, {"kind": "digits"}, sgd(between(draw, 0.1, 0.2)), steps=200)


def _healthy_gru(draw: Draw) -> Experiment:
    model = {
        "kind": "rnn",
        "cell": "gru",
        "width": pick(draw, (24, 32)),
        "initialization": {"scheme": "orthogonal"},
    }
    data = {"kind": "adding_problem", "length": whole(draw, 10, 25)}
    return build(model, data, {"kind": "adam", "learning_rate": 0.01}, steps=300)


def _healthy_transformer(draw: Draw) -> Experiment:
    model = {
        "kind": "transformer",
        "depth": whole(draw, 2, 4),
        "width": 32,
        "heads": 2,
        "mlp_ratio": 2,
        "activation": "gelu",
        "normalization": "pre_layer_norm",
        "skip": {"scale": 1.0},
        "initialization": {"scheme": "xavier_normal"},
    }
    return build(model, {"kind": "digit_rows"}, {"kind": "adam", "learning_rate": 0.003}, steps=200)


Family = tuple[Callable[[Draw], Experiment], str, tuple[str, ...]]

FAMILIES: tuple[Family, ...] = (
    (_sigmoid_deep, "vanishing_gradients", ()),
    (_ordered_phase, "vanishing_gradients", ()),
    (_relu_small, "vanishing_gradients", ()),
    (_sigmoid_cnn, "vanishing_gradients", ()),
    (_forgetful_rnn, "vanishing_gradients", ()),
    (_large_gain, "exploding_gradients", ()),
    (_unscaled_residual, "exploding_gradients", ()),
    (_large_gain_cnn, "exploding_gradients", ()),
    (_chaotic_rnn, "exploding_gradients", ()),
    (_negative_bias, "dead_units", ()),
    (_negative_bias, "dead_units", ()),
    (_killed_by_steps, "dead_units", ("divergence",)),
    (_biased_to_the_end, "saturated_activations", ()),
    (_weights_too_large, "saturated_activations", ("exploding_gradients",)),
    (_inputs_weighted_rnn, "saturated_activations", ("vanishing_gradients",)),
    (_regression_runs_away, "divergence", ()),
    (_momentum_runs_away, "divergence", ()),
    (_jumping_tanh, "oscillating_loss", ()),
    (_jumping_batch_norm, "oscillating_loss", ()),
    (_tiny_steps, "slow_convergence", ()),
    (_tiny_clip, "slow_convergence", ()),
    (_too_simple, "slow_convergence", ()),
    (_healthy_mlp, "healthy", ()),
    (_healthy_mlp, "healthy", ()),
    (_healthy_adam, "healthy", ()),
    (_healthy_deep, "healthy", ()),
    (_healthy_cnn, "healthy", ()),
    (_healthy_gru, "healthy", ()),
    (_healthy_transformer, "healthy", ()),
)
"""Every family with its label; about a quarter is healthy."""


def fresh(count: int, *, seed: int) -> list[Case]:
    """`count` labelled experiments, drawn family by family in turn."""
    cases = []
    for index in range(count):
        draw = np.random.default_rng([seed, index])
        make, expected, also = FAMILIES[index % len(FAMILIES)]
        name = f"{make.__name__.strip('_')}_{index}"
        cases.append(Case(name, make(draw), (int(draw.integers(2**31)),), expected, also))  # type: ignore[arg-type]
    return cases
