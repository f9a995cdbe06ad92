"""Fresh random labelled experiments: a seed of the caller's choice draws them, construction labels them.

Every family puts one cause into an otherwise sensible network, far enough from the edge that the label is not a
matter of taste. Families of `BORDERLINE` stand near the edges on purpose and are reported apart.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from gradclinic.experiment import Experiment

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
_CLEAN: Spec = {"kind": "teacher"}


def _pick(draw: Draw, options: Sequence[Any]) -> Any:
    return options[int(draw.integers(len(options)))]


def _between(draw: Draw, low: float, high: float, *, log: bool = False) -> float:
    value = np.exp(draw.uniform(np.log(low), np.log(high))) if log else draw.uniform(low, high)
    return float(f"{value:.3g}")


def _whole(draw: Draw, low: int, high: int) -> int:
    return int(draw.integers(low, high + 1))


def _experiment(
    model: Spec, data: Spec, optimizer: Spec, *, steps: int = 300, batch_size: int = 64, **parts: Any
) -> Experiment:
    spec = {"model": model, "data": data, "optimizer": optimizer, **parts}
    return Experiment.model_validate({**spec, "training": {"steps": steps, "batch_size": batch_size}})


def _sgd(rate: float, momentum: float = 0.0) -> Spec:
    return {"kind": "sgd", "learning_rate": rate, "momentum": momentum}


def _mlp(draw: Draw, activation: Any, scheme: str, depth: int, *, gain: float = 1.0, **knobs: Any) -> Spec:
    initialization = {"scheme": scheme, "gain": gain, **knobs.pop("initialization", {})}
    width = knobs.pop("width", None) or _pick(draw, (24, 32, 48, 64))
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
    scheme = _pick(draw, ("xavier_normal", "xavier_uniform", "lecun_normal", "torch_default"))
    model = _mlp(draw, "sigmoid", scheme, _whole(draw, 8, 24))
    return _experiment(model, _pick(draw, _TABULAR), _sgd(_between(draw, 0.03, 0.5, log=True)))


def _ordered_phase(draw: Draw) -> Experiment:
    activation = _pick(draw, ("tanh", "elu", "selu", "softsign", "leaky_relu"))
    model = _mlp(draw, activation, "lecun_normal", _whole(draw, 16, 30), gain=_between(draw, 0.35, 0.6))
    return _experiment(model, _pick(draw, _TABULAR), _sgd(_between(draw, 0.03, 0.2, log=True)))


def _relu_small(draw: Draw) -> Experiment:
    model = _mlp(draw, "relu", "lecun_normal", _whole(draw, 14, 26), gain=_between(draw, 0.4, 0.75))
    return _experiment(model, _pick(draw, _TABULAR), _sgd(_between(draw, 0.03, 0.2, log=True)))


def _sigmoid_cnn(draw: Draw) -> Experiment:
    model = {
        "kind": "cnn",
        "depth": _whole(draw, 7, 12),
        "channels": _pick(draw, (8, 12, 16)),
        "activation": "sigmoid",
        "initialization": {"scheme": "xavier_normal"},
    }
    return _experiment(model, {"kind": "digits"}, _sgd(_between(draw, 0.05, 0.3, log=True)), steps=150)


def _forgetful_rnn(draw: Draw) -> Experiment:
    model = {
        "kind": "rnn",
        "cell": "rnn",
        "width": _pick(draw, (24, 32, 48)),
        "activation": "tanh",
        "initialization": {"scheme": "lecun_normal", "gain": _between(draw, 0.35, 0.6)},
    }
    data = {"kind": "first_token", "length": _whole(draw, 30, 50)}
    return _experiment(model, data, {"kind": "adam", "learning_rate": _between(draw, 0.001, 0.004)}, steps=150)


def _large_gain(draw: Draw) -> Experiment:
    activation = _pick(draw, ("relu", "leaky_relu", "elu", "gelu", "silu"))
    model = _mlp(draw, activation, "lecun_normal", _whole(draw, 13, 22), gain=_between(draw, 2.5, 3.5))
    data = _pick(draw, ({"kind": "digits"}, {"kind": "blobs", "std": 3.0}, _CLEAN, {"kind": "wine"}))
    return _experiment(model, data, _sgd(_between(draw, 0.01, 0.05, log=True)))


def _unscaled_residual(draw: Draw) -> Experiment:
    model = _mlp(draw, _pick(draw, ("relu", "leaky_relu")), "kaiming_normal", _whole(draw, 26, 40), skip={"scale": 1.0})
    return _experiment(model, _pick(draw, (_CLEAN, {"kind": "digits"})), _sgd(_between(draw, 0.02, 0.1, log=True)))


def _large_gain_cnn(draw: Draw) -> Experiment:
    model = {
        "kind": "cnn",
        "depth": _whole(draw, 11, 15),
        "channels": _pick(draw, (8, 12, 16)),
        "activation": _pick(draw, ("relu", "leaky_relu")),
        "initialization": {"scheme": "lecun_normal", "gain": _between(draw, 2.6, 3.2)},
    }
    return _experiment(model, {"kind": "digits"}, _sgd(_between(draw, 0.01, 0.05, log=True)), steps=120)


def _chaotic_rnn(draw: Draw) -> Experiment:
    model = {
        "kind": "rnn",
        "cell": "rnn",
        "width": _pick(draw, (32, 48, 64)),
        "activation": "tanh",
        "initialization": {"scheme": "lecun_normal", "gain": _between(draw, 2.8, 4.0)},
    }
    data = {"kind": "adding_problem", "length": _whole(draw, 28, 45)}
    return _experiment(model, data, _sgd(_between(draw, 0.03, 0.08)), steps=150)


def _negative_bias(draw: Draw) -> Experiment:
    gain = _between(draw, 0.4, 1.2)
    initialization = {"bias": -_between(draw, 3.0, 5.0) * gain}
    model = _mlp(
        draw,
        _pick(draw, ("relu", "relu6")),
        "lecun_normal",
        _whole(draw, 3, 7),
        gain=gain,
        initialization=initialization,
    )
    return _experiment(model, _pick(draw, _TABULAR), _sgd(_between(draw, 0.03, 0.2, log=True)))


def _killed_by_steps(draw: Draw) -> Experiment:
    model = _mlp(draw, "relu", "kaiming_normal", _whole(draw, 5, 8))
    return _experiment(model, {"kind": "digits"}, _sgd(_between(draw, 6.0, 15.0)), steps=200)


def _biased_to_the_end(draw: Draw) -> Experiment:
    activation, bias = _pick(draw, (("sigmoid", (7.5, 12.0)), ("tanh", (4.5, 8.0)), ("hardtanh", (3.5, 6.0))))
    sign = _pick(draw, (-1.0, 1.0))
    model = _mlp(
        draw, activation, "lecun_normal", _whole(draw, 3, 7), initialization={"bias": sign * _between(draw, *bias)}
    )
    return _experiment(model, _pick(draw, _TABULAR), _sgd(_between(draw, 0.03, 0.2, log=True)))


def _weights_too_large(draw: Draw) -> Experiment:
    model = _mlp(
        draw, _pick(draw, ("tanh", "hardtanh")), "lecun_normal", _whole(draw, 4, 7), gain=_between(draw, 25.0, 60.0)
    )
    return _experiment(model, _CLEAN, _sgd(_between(draw, 0.001, 0.004, log=True)))


def _inputs_weighted_rnn(draw: Draw) -> Experiment:
    model = {
        "kind": "rnn",
        "cell": "rnn",
        "width": _pick(draw, (24, 32)),
        "activation": "tanh",
        "initialization": {"scheme": "lecun_normal", "input_gain": _between(draw, 40.0, 90.0)},
    }
    data = {"kind": "first_token", "length": _whole(draw, 15, 30)}
    return _experiment(model, data, {"kind": "adam", "learning_rate": _between(draw, 0.001, 0.004)}, steps=150)


def _regression_runs_away(draw: Draw) -> Experiment:
    activation, scheme = _pick(
        draw, (("relu", "kaiming_normal"), ("identity", "lecun_normal"), ("leaky_relu", "kaiming_normal"))
    )
    model = _mlp(draw, activation, scheme, _whole(draw, 2, 5))
    return _experiment(model, _CLEAN, _sgd(_between(draw, 1.5, 5.0)))


def _momentum_runs_away(draw: Draw) -> Experiment:
    model = _mlp(draw, "relu", "kaiming_normal", _whole(draw, 3, 7), skip={"scale": _between(draw, 0.2, 0.4)})
    return _experiment(model, _CLEAN, _sgd(_between(draw, 0.7, 2.0), 0.9))


def _jumping_tanh(draw: Draw) -> Experiment:
    model = _mlp(draw, "tanh", "xavier_normal", _whole(draw, 2, 3))
    data = {"kind": "blobs", "std": _between(draw, 6.5, 9.0)}
    return _experiment(model, data, _sgd(_between(draw, 4.0, 8.0)))


def _jumping_batch_norm(draw: Draw) -> Experiment:
    model = _mlp(
        draw, _pick(draw, ("relu", "leaky_relu")), "kaiming_normal", _whole(draw, 2, 4), normalization="batch_norm"
    )
    data = _pick(draw, ({"kind": "moons"}, {"kind": "spirals"}, {"kind": "circles"}))
    return _experiment(model, data, _sgd(_between(draw, 5.0, 10.0)), batch_size=32)


def _tiny_steps(draw: Draw) -> Experiment:
    activation, scheme = _pick(draw, (("relu", "kaiming_normal"), ("tanh", "xavier_normal"), ("elu", "lecun_normal")))
    model = _mlp(draw, activation, scheme, _whole(draw, 2, 6))
    return _experiment(model, _pick(draw, _TABULAR), _sgd(_between(draw, 1e-6, 3e-5, log=True)))


def _tiny_clip(draw: Draw) -> Experiment:
    model = _mlp(draw, "relu", "kaiming_normal", _whole(draw, 3, 6))
    clipping = {"kind": "norm", "max_norm": _between(draw, 1e-5, 3e-4, log=True)}
    return _experiment(model, _pick(draw, _EASY), _sgd(_between(draw, 0.05, 0.1)), clipping=clipping)


def _too_simple(draw: Draw) -> Experiment:
    model = _mlp(draw, "identity", "lecun_normal", _whole(draw, 1, 4))
    data = _pick(draw, ({"kind": "spirals", "turns": _between(draw, 1.3, 2.0)}, {"kind": "circles"}))
    return _experiment(model, data, _sgd(_between(draw, 0.02, 0.08)))


def _healthy_mlp(draw: Draw) -> Experiment:
    activation, scheme = _pick(
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
    model = _mlp(draw, activation, scheme, _whole(draw, 2, 6))
    return _experiment(model, _pick(draw, _EASY), _sgd(_between(draw, 0.03, 0.08, log=True)))


def _healthy_adam(draw: Draw) -> Experiment:
    model = _mlp(draw, _pick(draw, ("relu", "gelu", "tanh")), "kaiming_normal", _whole(draw, 2, 8))
    optimizer = {"kind": "adam", "learning_rate": _between(draw, 0.001, 0.003, log=True)}
    return _experiment(model, _pick(draw, (*_EASY, _CLEAN)), optimizer)


def _healthy_deep(draw: Draw) -> Experiment:
    depth = _whole(draw, 10, 30)
    if draw.random() < 0.5:
        model = _mlp(draw, "relu", "kaiming_normal", depth, normalization="batch_norm")
        return _experiment(model, _pick(draw, _EASY), {"kind": "adam", "learning_rate": 0.003})
    model = _mlp(draw, "relu", "kaiming_normal", depth, skip={"scale": round(depth**-0.5, 3)})
    return _experiment(model, _pick(draw, _EASY), _sgd(_between(draw, 0.02, 0.05)))


def _healthy_cnn(draw: Draw) -> Experiment:
    model = {
        "kind": "cnn",
        "depth": _whole(draw, 3, 7),
        "channels": _pick(draw, (12, 16)),
        "activation": "relu",
        "initialization": {"scheme": "kaiming_normal"},
        "normalization": "batch_norm",
    }
    return _experiment(model, {"kind": "digits"}, _sgd(_between(draw, 0.1, 0.2)), steps=200)


def _healthy_gru(draw: Draw) -> Experiment:
    model = {
        "kind": "rnn",
        "cell": "gru",
        "width": _pick(draw, (24, 32)),
        "initialization": {"scheme": "orthogonal"},
    }
    data = {"kind": "adding_problem", "length": _whole(draw, 10, 25)}
    return _experiment(model, data, {"kind": "adam", "learning_rate": 0.01}, steps=300)


def _healthy_transformer(draw: Draw) -> Experiment:
    model = {
        "kind": "transformer",
        "depth": _whole(draw, 2, 4),
        "width": 32,
        "heads": 2,
        "mlp_ratio": 2,
        "activation": "gelu",
        "normalization": "pre_layer_norm",
        "skip": {"scale": 1.0},
        "initialization": {"scheme": "xavier_normal"},
    }
    return _experiment(model, {"kind": "digit_rows"}, {"kind": "adam", "learning_rate": 0.003}, steps=200)


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
