"""Fresh random experiments that train well, of every kind that can be declared: what a diagnosis must not call sick.

Recipes are those of common practice: a scheme that fits the activation, a norm or scaled skip connections where the
network is deep, a rate that is usual for the optimizer, steps enough for the data. Nothing is drawn near an edge, but
much is drawn that looks odd to a rule: few samples a step, momentum, warmup, half precision, networks of 40 layers.
"""

from collections.abc import Callable

import numpy as np

from gradclinic.experiments.experiment import Experiment

from .cases import Case
from .generate import Draw, Spec, between, build, mlp, pick, whole

_FITTING: tuple[tuple[Spec | str, str], ...] = (
    ("relu", "kaiming_normal"),
    ("relu", "kaiming_uniform"),
    ("leaky_relu", "kaiming_uniform"),
    ("prelu", "kaiming_normal"),
    ("rrelu", "kaiming_normal"),
    ("tanh", "xavier_normal"),
    ("tanh", "orthogonal"),
    ("softsign", "xavier_uniform"),
    ("hardtanh", "xavier_normal"),
    ("elu", "lecun_normal"),
    ("selu", "lecun_normal"),
    ("gelu", "kaiming_normal"),
    ("silu", "kaiming_normal"),
    ("mish", "kaiming_normal"),
    ("relu6", "kaiming_normal"),
    ("relu", "lsuv"),
)
"""Activations with a scheme that keeps their gradients level over a few layers."""
_EASY: tuple[Spec, ...] = (
    {"kind": "digits"},
    {"kind": "blobs"},
    {"kind": "blobs", "std": 1.5, "classes": 8, "dim": 16},
    {"kind": "wine"},
    {"kind": "breast_cancer"},
    {"kind": "moons"},
)
"""Data that any sensible optimizer learns in 300 steps."""
_HARD: tuple[Spec, ...] = (
    {"kind": "circles"},
    {"kind": "spirals"},
    {"kind": "teacher"},
    {"kind": "mnist1d", "n": 2000},
)
"""Data that take an adaptive optimizer and more steps."""


def _optimizer(draw: Draw, *, adaptive: bool = False) -> Spec:
    kinds = (
        ("adam", "adamw", "rmsprop") if adaptive else ("sgd", "sgd", "momentum", "nesterov", "adam", "adamw", "adagrad")
    )
    kind = pick(draw, kinds)
    if kind == "sgd":
        return {"kind": "sgd", "learning_rate": between(draw, 0.04, 0.12, log=True)}
    if kind in ("momentum", "nesterov"):
        rate = between(draw, 0.005, 0.02, log=True)
        return {"kind": "sgd", "learning_rate": rate, "momentum": 0.9, "nesterov": kind == "nesterov"}
    low, high = {"adagrad": (0.01, 0.03), "rmsprop": (0.001, 0.002)}.get(kind, (0.002, 0.005))
    return {"kind": kind, "learning_rate": between(draw, low, high, log=True)}


def _schedule(draw: Draw, steps: int) -> Spec:
    kind = pick(draw, ("constant", "constant", "linear_warmup", "cosine", "step", "one_cycle"))
    if kind == "linear_warmup":
        return {"kind": kind, "warmup_steps": steps // 10}
    if kind == "cosine":
        return {"kind": kind, "warmup_steps": pick(draw, (0, steps // 20))}
    if kind == "step":
        return {"kind": kind, "every": steps // 2, "gamma": 0.2}
    return {"kind": kind}


def _trained(
    draw: Draw,
    model: Spec,
    data: Spec,
    *,
    steps: tuple[int, int] = (250, 500),
    adaptive: bool = False,
    half: bool = True,
) -> Experiment:
    """The model with a usual optimizer, schedule, clipping, batch size, precision and plan of recording."""
    length = whole(draw, *steps)
    clipping = pick(draw, (None, None, None, {"kind": "norm", "max_norm": between(draw, 1.0, 5.0)}))
    optimizer, schedule = _optimizer(draw, adaptive=adaptive), _schedule(draw, length)
    recording = pick(draw, ({}, {}, {}, {"every": 2, "full_every": 20}))
    experiment = build(
        model,
        data,
        optimizer,
        steps=length,
        batch_size=pick(draw, (16, 32, 64, 64, 128)),
        schedule=schedule,
        clipping=clipping,
        recording=recording,
    )
    half = half and model.get("activation") != "rrelu"  # torch has no rrelu of 16 bits on CPUs
    precision = pick(draw, ("float32", "float32", "float32", "float32", "bfloat16", "float16")) if half else "float32"
    return experiment.model_copy(update={"training": experiment.training.model_copy(update={"precision": precision})})


def _shallow(draw: Draw) -> Experiment:
    activation, scheme = pick(draw, _FITTING)
    model = mlp(draw, activation, scheme, whole(draw, 1, 6), width=pick(draw, (16, 32, 64, 128)))
    return _trained(draw, model, pick(draw, _EASY))


def _shallow_on_harder_data(draw: Draw) -> Experiment:
    activation, scheme = pick(draw, _FITTING)
    model = mlp(draw, activation, scheme, whole(draw, 2, 5), width=pick(draw, (32, 64)))
    return _trained(draw, model, pick(draw, _HARD), steps=(1200, 1800), adaptive=True, half=False)


def _shallow_sigmoid(draw: Draw) -> Experiment:
    model = mlp(draw, "sigmoid", pick(draw, ("xavier_normal", "xavier_uniform")), whole(draw, 1, 2))
    steps = whole(draw, 500, 800)
    optimizer = {"kind": pick(draw, ("adam", "adamw")), "learning_rate": between(draw, 0.004, 0.01)}
    return build(model, pick(draw, _EASY), optimizer, steps=steps, schedule=_schedule(draw, steps))


def _with_norm(draw: Draw) -> Experiment:
    norm = pick(draw, ("batch_norm", "layer_norm", "rms_norm"))
    activation = pick(draw, ("relu", "leaky_relu", "gelu", "tanh", "elu"))
    model = mlp(draw, activation, "kaiming_normal", whole(draw, 2, 14), normalization=norm)
    return _trained(draw, model, pick(draw, _EASY))


def _deep_with_batch_norm(draw: Draw) -> Experiment:
    """Gradients explode by one to two orders of magnitude before the first step; given enough steps it still learns."""
    model = mlp(draw, "relu", "kaiming_normal", whole(draw, 14, 20), normalization="batch_norm")
    data = pick(draw, ({"kind": "digits"}, {"kind": "blobs"}, {"kind": "wine"}))
    optimizer = {"kind": "adam", "learning_rate": between(draw, 0.002, 0.004)}
    return build(model, data, optimizer, steps=whole(draw, 400, 600), batch_size=128)


def _deep_with_skips(draw: Draw) -> Experiment:
    depth = whole(draw, 10, 40)
    activation, scheme = pick(draw, _FITTING[:8])
    model = mlp(draw, activation, scheme, depth, skip={"scale": round(depth**-0.5, 3)})
    return _trained(draw, model, pick(draw, _EASY), half=False)


def _deep_tanh(draw: Draw) -> Experiment:
    """Adaptive steps change every layer by as much however deep the network is, so their sum grows with the depth."""
    depth = whole(draw, 8, 20)
    model = mlp(draw, "tanh", "orthogonal", depth, gain=between(draw, 1.0, 1.05), width=64)
    experiment = _trained(draw, model, {"kind": "digits"}, half=False)
    if experiment.optimizer.kind == "sgd":
        return experiment
    rate = experiment.optimizer.learning_rate * 8 / depth
    optimizer = experiment.optimizer.model_copy(update={"learning_rate": rate})
    return experiment.model_copy(update={"optimizer": optimizer})


def _convolutions(draw: Draw) -> Experiment:
    """At least three layers deep and a dozen channels wide: pooled over all places, less cannot tell digits."""
    activation, scheme = pick(
        draw, (("relu", "kaiming_normal"), ("leaky_relu", "kaiming_normal"), ("elu", "lecun_normal"))
    )
    model: Spec = {
        "kind": "cnn",
        "depth": whole(draw, 3, 6),
        "channels": pick(draw, (12, 16)),
        "activation": activation,
        "initialization": {"scheme": scheme},
        "normalization": pick(draw, ("batch_norm", "batch_norm", "layer_norm", "rms_norm", None)),
    }
    if draw.random() < 0.4:
        model["skip"] = {"scale": 0.5}
    steps = whole(draw, 300, 400)
    optimizer = {"kind": pick(draw, ("adam", "adamw")), "learning_rate": between(draw, 0.003, 0.005)}
    batch_size = pick(draw, (32, 64))
    return build(
        model, {"kind": "digits"}, optimizer, steps=steps, batch_size=batch_size, schedule=_schedule(draw, steps)
    )


def _listed_convolutions(draw: Draw) -> Experiment:
    layers: list[Spec] = []
    for channels in pick(draw, ((8, 16), (16, 16, 32))):
        layers.append({"kind": "conv2d", "out_channels": channels})
        layers.append(pick(draw, ({"kind": "batch_norm"}, {"kind": "group_norm", "groups": 4})))
        layers.append({"kind": "activation", "activation": pick(draw, ("relu", "silu"))})
        layers.append({"kind": pick(draw, ("max_pool2d", "avg_pool2d"))})
    layers += [{"kind": "flatten"}, {"kind": "dropout", "p": 0.2}, {"kind": "linear", "out_features": 10}]
    model = {"kind": "layers", "layers": layers, "initialization": {"scheme": "kaiming_normal"}}
    return _trained(draw, model, {"kind": "digits"}, steps=(200, 350), adaptive=True)


def _over_a_sequence(draw: Draw) -> Experiment:
    layers: list[Spec] = [
        {"kind": "conv1d", "out_channels": 32},
        {"kind": "activation", "activation": "relu"},
        {"kind": "conv1d", "out_channels": 32},
        {"kind": "activation", "activation": "relu"},
        {"kind": "global_avg_pool"},
        {"kind": "linear", "out_features": 10},
    ]
    model = {"kind": "layers", "layers": layers, "initialization": {"scheme": "kaiming_normal"}}
    return _trained(draw, model, {"kind": "digit_rows"}, steps=(300, 500), adaptive=True)


def _plain_recurrent(draw: Draw) -> Experiment:
    model = {
        "kind": "rnn",
        "cell": "rnn",
        "width": pick(draw, (32, 64)),
        "activation": "tanh",
        "initialization": {"scheme": "orthogonal"},
    }
    data = pick(draw, ({"kind": "digit_rows"}, {"kind": "first_token", "length": whole(draw, 5, 12)}))
    return _trained(draw, model, data, steps=(300, 500), adaptive=True, half=False)


def _gated(draw: Draw) -> Experiment:
    cell = pick(draw, ("lstm", "gru"))
    model: Spec = {
        "kind": "rnn",
        "cell": cell,
        "width": pick(draw, (32, 48)),
        "depth": pick(draw, (1, 1, 2)),
        "initialization": {"scheme": "orthogonal"},
    }
    if cell == "lstm":
        model["forget_bias"] = 1.0
    data = pick(
        draw,
        (
            {"kind": "digit_rows"},
            {"kind": "first_token", "length": whole(draw, 8, 20)},
            {"kind": "copy_memory", "length": whole(draw, 3, 6)},
        ),
    )
    optimizer = {"kind": "adam", "learning_rate": between(draw, 0.006, 0.012)}
    return build(model, data, optimizer, steps=whole(draw, 400, 500), clipping={"kind": "norm", "max_norm": 1.0})


def _attention(draw: Draw) -> Experiment:
    model = {
        "kind": "transformer",
        "depth": whole(draw, 1, 4),
        "width": 32,
        "heads": pick(draw, (1, 2, 4)),
        "mlp_ratio": 2,
        "activation": pick(draw, ("gelu", "relu", "silu")),
        "normalization": pick(draw, ("pre_layer_norm", "pre_layer_norm", "post_layer_norm")),
        "skip": {"scale": 1.0},
        "initialization": {"scheme": pick(draw, ("xavier_normal", "xavier_uniform"))},
    }
    data = pick(draw, ({"kind": "digit_rows"}, {"kind": "digit_rows"}, {"kind": "first_token", "length": 12}))
    return _trained(draw, model, data, steps=(250, 350), adaptive=True, half=False)


def _brisk(draw: Draw) -> Experiment:
    """Large, but usual steps from few samples: the loss is restless, and falls."""
    activation, scheme = pick(
        draw, (("relu", "kaiming_normal"), ("tanh", "xavier_normal"), ("leaky_relu", "kaiming_uniform"))
    )
    model = mlp(draw, activation, scheme, whole(draw, 1, 4))
    optimizer = pick(
        draw,
        (
            {"kind": "sgd", "learning_rate": between(draw, 0.1, 0.25)},
            {"kind": "sgd", "learning_rate": between(draw, 0.01, 0.03), "momentum": 0.9},
            {"kind": "adam", "learning_rate": between(draw, 0.004, 0.008)},
        ),
    )
    return build(model, pick(draw, _EASY), optimizer, steps=whole(draw, 200, 400), batch_size=pick(draw, (8, 16, 32)))


def _wrong_labels(draw: Draw) -> Experiment:
    """Some labels are wrong, so that the loss has a floor; half of the constant predictor's is still far above it."""
    activation, scheme = pick(draw, _FITTING)
    model = mlp(draw, activation, scheme, whole(draw, 1, 4))
    data = {"kind": "blobs", "std": 1.0, "classes": pick(draw, (4, 6)), "label_noise": between(draw, 0.02, 0.1)}
    return _trained(draw, model, data)


def _short(draw: Draw) -> Experiment:
    activation, scheme = pick(draw, _FITTING)
    model = mlp(draw, activation, scheme, whole(draw, 1, 3), width=64)
    data = pick(draw, ({"kind": "blobs", "std": 1.0}, {"kind": "wine"}, {"kind": "digits"}))
    return build(model, data, {"kind": "adam", "learning_rate": 0.005}, steps=whole(draw, 50, 100))


def _long(draw: Draw) -> Experiment:
    activation, scheme = pick(draw, _FITTING)
    model = mlp(draw, activation, scheme, whole(draw, 2, 5), width=pick(draw, (32, 64)))
    return _trained(draw, model, pick(draw, (*_EASY, {"kind": "teacher"})), steps=(1500, 2500), half=False)


SOUND: tuple[Callable[[Draw], Experiment], ...] = (
    _shallow,
    _shallow_on_harder_data,
    _with_norm,
    _convolutions,
    _brisk,
    _plain_recurrent,
    _deep_with_skips,
    _attention,
    _wrong_labels,
    _gated,
    _shallow_sigmoid,
    _deep_with_batch_norm,
    _short,
    _deep_tanh,
    _listed_convolutions,
    _long,
    _over_a_sequence,
    _with_norm,
)
"""Families of healthy experiments, in the order in which they are drawn."""


def sound(count: int, *, seed: int) -> list[Case]:
    """`count` healthy experiments, drawn family by family in turn."""
    cases = []
    for index in range(count):
        draw = np.random.default_rng([seed, index, 2])
        make = SOUND[index % len(SOUND)]
        name = f"{make.__name__.strip('_')}_{index}"
        cases.append(Case(name, make(draw), (int(draw.integers(2**31)),), "healthy"))
    return cases
