"""Small broken trainings of every kind that can be declared, drawn by a seed, with varied depth, width and data."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from benchmarks.diagnosis.generate import between, pick, sgd, whole

from gradclinic.experiments.experiment import Experiment

Draw = np.random.Generator
Spec = dict[str, Any]

_EASY: tuple[Spec, ...] = ({"kind": "blobs"}, {"kind": "wine"}, {"kind": "breast_cancer"})
_TEACHER: Spec = {"kind": "teacher", "n": 400}
_RECORDING = {"every": 4, "full_every": 20, "dense_until": 1, "adaptive": False}
_FITTING = (
    ("relu", "kaiming_normal"),
    ("leaky_relu", "kaiming_uniform"),
    ("tanh", "xavier_normal"),
    ("elu", "lecun_normal"),
)
"""Activations with an initialization that suits them."""


def _build(model: Spec, data: Spec, optimizer: Spec, *, steps: int = 120, batch_size: int = 32, **parts: Any) -> Spec:
    training = {"steps": steps, "batch_size": batch_size, **parts.pop("training", {})}
    common = {"model": model, "data": data, "optimizer": optimizer, "recording": _RECORDING}
    return {**common, **parts, "training": training}


def _mlp(draw: Draw, activation: str, scheme: str, depth: int, *, gain: float = 1.0, **fields: Any) -> Spec:
    start = {"scheme": scheme, "gain": gain, **fields.pop("initialization", {})}
    width = fields.pop("width", None) or pick(draw, (12, 16, 24, 32))
    return {"kind": "mlp", "depth": depth, "width": width, "activation": activation, "initialization": start, **fields}


def _sound(draw: Draw, **fields: Any) -> Spec:
    """A network in which nothing is wrong."""
    activation, scheme = pick(draw, _FITTING)
    return _mlp(draw, activation, scheme, whole(draw, 2, 4), **fields)


def _rate(draw: Draw) -> Spec:
    """An optimizer in which nothing is wrong."""
    adam = {"kind": "adam", "learning_rate": between(draw, 0.002, 0.01, log=True)}
    return pick(draw, (sgd(between(draw, 0.05, 0.1, log=True)), sgd(between(draw, 0.005, 0.02, log=True), 0.9), adam))


def _rnn(draw: Draw, **fields: Any) -> Spec:
    return {"kind": "rnn", "width": pick(draw, (12, 16, 24)), **fields}


def _transformer(draw: Draw, **fields: Any) -> Spec:
    shape = {"depth": whole(draw, 2, 4), "width": pick(draw, (8, 16)), "heads": 2, "mlp_ratio": 2}
    return {"kind": "transformer", **shape, "activation": pick(draw, ("relu", "gelu")), **fields}


def _sigmoid_deep(draw: Draw) -> Spec:
    scheme = pick(draw, ("xavier_normal", "lecun_normal", "torch_default"))
    return _build(_mlp(draw, "sigmoid", scheme, whole(draw, 5, 12)), pick(draw, _EASY), _rate(draw))


def _small_weights(draw: Draw) -> Spec:
    activation = pick(draw, ("tanh", "relu", "elu", "softsign", "leaky_relu"))
    model = _mlp(draw, activation, "lecun_normal", whole(draw, 8, 16), gain=between(draw, 0.35, 0.65))
    return _build(model, pick(draw, _EASY), _rate(draw))


def _forgetful_rnn(draw: Draw) -> Spec:
    start = {"scheme": "lecun_normal", "gain": between(draw, 0.35, 0.6)}
    data = {"kind": "first_token", "length": whole(draw, 15, 30)}
    return _build(_rnn(draw, initialization=start), data, {"kind": "adam", "learning_rate": between(draw, 0.001, 0.01)})


def _forgetful_lstm(draw: Draw) -> Spec:
    data = {"kind": "first_token", "length": whole(draw, 25, 40)}
    model = _rnn(draw, cell="lstm", forget_bias=-between(draw, 1.0, 3.0))
    return _build(model, data, {"kind": "adam", "learning_rate": between(draw, 0.003, 0.01)})


def _bare_transformer(draw: Draw) -> Spec:
    optimizer = {"kind": "adam", "learning_rate": between(draw, 0.001, 0.003)}
    return _build(_transformer(draw), {"kind": "digit_rows"}, optimizer, steps=100)


def _post_norm(draw: Draw) -> Spec:
    model = _transformer(draw, normalization="post_layer_norm", skip={"scale": 1.0})
    optimizer = {"kind": "adam", "learning_rate": between(draw, 0.03, 0.1, log=True)}
    return _build(model, {"kind": "digit_rows"}, optimizer, steps=100)


def _large_weights(draw: Draw) -> Spec:
    activation = pick(draw, ("relu", "leaky_relu", "elu", "gelu"))
    model = _mlp(draw, activation, "lecun_normal", whole(draw, 7, 14), gain=between(draw, 2.5, 4.0))
    return _build(model, pick(draw, (*_EASY, _TEACHER)), sgd(between(draw, 0.01, 0.05, log=True)))


def _unscaled_branches(draw: Draw) -> Spec:
    model = _mlp(draw, "relu", "kaiming_normal", whole(draw, 16, 24), skip={"scale": 1.0}, width=16)
    return _build(model, pick(draw, (*_EASY, _TEACHER)), sgd(between(draw, 0.03, 0.1, log=True)))


def _chaotic_rnn(draw: Draw) -> Spec:
    start = {"scheme": "lecun_normal", "gain": between(draw, 2.8, 4.0)}
    data = {"kind": "adding_problem", "length": whole(draw, 15, 30), "n": 1000}
    return _build(_rnn(draw, initialization=start), data, sgd(between(draw, 0.03, 0.08)))


def _negative_bias(draw: Draw) -> Spec:
    gain = between(draw, 0.4, 1.2)
    start = {"bias": -between(draw, 3.0, 5.0) * gain}
    model = _mlp(
        draw, pick(draw, ("relu", "relu6")), "lecun_normal", whole(draw, 3, 6), gain=gain, initialization=start
    )
    return _build(model, pick(draw, _EASY), _rate(draw))


def _killed(draw: Draw) -> Spec:
    model = _mlp(draw, "relu", "kaiming_normal", whole(draw, 4, 7))
    return _build(model, pick(draw, _EASY), sgd(between(draw, 4.0, 15.0)))


def _saturated(draw: Draw) -> Spec:
    activation = pick(draw, ("tanh", "hardtanh"))
    model = _mlp(draw, activation, "lecun_normal", whole(draw, 3, 6), gain=between(draw, 20.0, 60.0))
    return _build(model, pick(draw, (*_EASY, _TEACHER)), sgd(between(draw, 0.05, 0.2, log=True)))


def _runs_away(draw: Draw) -> Spec:
    optimizer = pick(draw, (sgd(between(draw, 1.5, 5.0)), sgd(between(draw, 0.7, 2.0), 0.9)))
    return _build(_sound(draw), _TEACHER, optimizer)


def _jumps(draw: Draw) -> Spec:
    model = _mlp(draw, "tanh", "xavier_normal", whole(draw, 2, 3))
    return _build(model, {"kind": "blobs", "std": between(draw, 6.0, 9.0)}, sgd(between(draw, 4.0, 9.0)))


def _large_adam_steps(draw: Draw) -> Spec:
    optimizer = {"kind": "adam", "learning_rate": between(draw, 0.3, 2.0, log=True)}
    return _build(_sound(draw), pick(draw, (*_EASY, _TEACHER)), optimizer)


def _small_steps(draw: Draw) -> Spec:
    small = between(draw, 1e-6, 1e-4, log=True)
    optimizer = pick(draw, (sgd(small), {"kind": "adam", "learning_rate": small / 10}))
    return _build(_sound(draw), pick(draw, (*_EASY, _TEACHER)), optimizer)


def _tight_clip(draw: Draw) -> Spec:
    clipping = {"kind": "norm", "max_norm": between(draw, 1e-5, 1e-3, log=True)}
    return _build(_sound(draw), pick(draw, _EASY), sgd(between(draw, 0.05, 0.1)), clipping=clipping)


def _early_decay(draw: Draw) -> Spec:
    schedule = {"kind": "step", "every": whole(draw, 3, 8), "gamma": between(draw, 0.1, 0.4)}
    return _build(_sound(draw), pick(draw, _EASY), sgd(between(draw, 0.01, 0.05)), schedule=schedule)


def _raw_inputs(draw: Draw) -> Spec:
    form = pick(draw, ({"scale": between(draw, 30.0, 1000.0, log=True)}, {"shift": between(draw, 20.0, 200.0)}, {}))
    return _build(_sound(draw), {**pick(draw, _EASY), "standardize": False, **form}, _rate(draw))


def _raw_targets(draw: Draw) -> Spec:
    size = between(draw, 30.0, 3000.0, log=True)
    adam = {"kind": "adam", "learning_rate": between(draw, 0.002, 0.01, log=True)}
    optimizer = pick(draw, (sgd(between(draw, 0.02, 0.05)), adam))
    return _build(_sound(draw), {**_TEACHER, "standardize_targets": False, "target_scale": size}, optimizer)


def _activated_logits(draw: Draw) -> Spec:
    ending = pick(draw, ("softmax", "sigmoid", "tanh", "relu"))
    return _build(_sound(draw), pick(draw, _EASY), _rate(draw), output_activation=ending)


def _no_log(draw: Draw) -> Spec:
    ending = pick(draw, (None, "softmax"))
    return _build(_sound(draw), pick(draw, _EASY), _rate(draw), loss={"kind": "nll"}, output_activation=ending)


def _squared_classes(draw: Draw) -> Spec:
    loss = {"kind": pick(draw, ("mse", "l1", "huber"))}
    slow = sgd(between(draw, 0.005, 0.03, log=True))
    return _build(_sound(draw), pick(draw, _EASY), slow, loss=loss, output_activation=pick(draw, (None, "softmax")))


def _out_of_reach(draw: Draw) -> Spec:
    return _build(_sound(draw), _TEACHER, _rate(draw), output_activation=pick(draw, ("sigmoid", "relu", "softmax")))


def _decayed(draw: Draw) -> Spec:
    adamw = {"kind": "adamw", "learning_rate": 0.01, "weight_decay": between(draw, 5.0, 50.0, log=True)}
    plain = {**sgd(between(draw, 0.05, 0.1)), "weight_decay": between(draw, 0.3, 1.0)}
    return _build(_sound(draw), pick(draw, (*_EASY, _TEACHER)), pick(draw, (adamw, plain)))


def _dropped(draw: Draw) -> Spec:
    hidden = [{"kind": "linear", "out_features": 24}, {"kind": "activation", "activation": "relu"}]
    drop = {"kind": "dropout", "p": between(draw, 0.85, 0.97)}
    layers = [layer for _ in range(whole(draw, 2, 3)) for layer in (*hidden, drop)]
    data, outputs = pick(draw, (({"kind": "breast_cancer"}, 2), ({"kind": "wine"}, 3)))
    return _build(
        {"kind": "layers", "layers": [*layers, {"kind": "linear", "out_features": outputs}]}, data, _rate(draw)
    )


def _stopped_early(draw: Draw) -> Spec:
    slow = sgd(between(draw, 0.01, 0.03, log=True))
    return _build(_sound(draw), pick(draw, _EASY), slow, steps=whole(draw, 20, 40))


def _one_sample(draw: Draw) -> Spec:
    optimizer = sgd(between(draw, 0.1, 0.4, log=True))
    return _build(_sound(draw), pick(draw, (*_EASY, _TEACHER)), optimizer, batch_size=whole(draw, 1, 2))


def _norm_of_few(draw: Draw) -> Spec:
    model = _mlp(draw, "relu", "kaiming_normal", whole(draw, 3, 5), normalization="batch_norm")
    return _build(model, pick(draw, _EASY), sgd(between(draw, 0.05, 0.3)), batch_size=2)


def _narrow(draw: Draw) -> Spec:
    model = _mlp(draw, "relu", "lecun_normal", whole(draw, 4, 8), gain=between(draw, 6.0, 12.0))
    slow = sgd(between(draw, 1e-4, 1e-3, log=True))
    return _build(model, pick(draw, _EASY), slow, training={"precision": "float16"}, steps=100)


def _linear(draw: Draw) -> Spec:
    model = _mlp(draw, "identity", "lecun_normal", whole(draw, 1, 4))
    return _build(model, pick(draw, ({"kind": "circles"}, {"kind": "spirals"})), _rate(draw))


def _almost_zero(draw: Draw) -> Spec:
    model = _mlp(draw, pick(draw, ("relu", "tanh")), "normal", whole(draw, 2, 4))
    model["initialization"] = {"scheme": "normal", "std": between(draw, 1e-6, 1e-3, log=True)}
    return _build(model, pick(draw, _EASY), _rate(draw))


KINDS: Mapping[str, Callable[[Draw], Spec]] = {
    function.__name__.lstrip("_"): function
    for function in (
        _sigmoid_deep,
        _activated_logits,
        _raw_inputs,
        _small_steps,
        _large_weights,
        _runs_away,
        _negative_bias,
        _saturated,
        _decayed,
        _raw_targets,
        _small_weights,
        _stopped_early,
        _squared_classes,
        _killed,
        _jumps,
        _tight_clip,
        _early_decay,
        _one_sample,
        _out_of_reach,
        _large_adam_steps,
        _no_log,
        _forgetful_rnn,
        _chaotic_rnn,
        _dropped,
        _linear,
        _norm_of_few,
        _unscaled_branches,
        _almost_zero,
        _narrow,
        _bare_transformer,
        _post_norm,
        _forgetful_lstm,
    )
}
"""What is wrong in each; the first ones come first where few are drawn."""


def drawn(index: int, *, seed: int) -> tuple[str, Experiment]:
    """The training of this index, and what is wrong in it: all kinds in turn, each with numbers of its own."""
    names = list(KINDS)
    name = names[index % len(names)]
    return name, Experiment.model_validate(KINDS[name](np.random.default_rng([seed, index])))
