"""Experiments of a session: one for each kind of layer, small enough that a hundred of them train in minutes."""

from typing import Any

from gradclinic.experiments.experiment import Experiment

_MLP = {"kind": "mlp", "depth": 6, "width": 64, "activation": "relu"}
_CNN = {"kind": "cnn", "depth": 6, "channels": 16, "activation": "relu"}
_ATTENTION = {"kind": "transformer", "depth": 2, "width": 32, "heads": 4, "activation": "gelu"}
MODELS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "mlp": (_MLP, {"kind": "digits"}),
    "mlp, batch norm": ({**_MLP, "normalization": "batch_norm"}, {"kind": "digits"}),
    "mlp, layer norm and skips": ({**_MLP, "normalization": "layer_norm", "skip": {}}, {"kind": "digits"}),
    "mlp, wide": ({**_MLP, "depth": 3, "width": 512}, {"kind": "digits"}),
    "mlp, regression": (_MLP, {"kind": "teacher"}),
    "cnn": (_CNN, {"kind": "digits"}),
    "cnn, batch norm and skips": ({**_CNN, "normalization": "batch_norm", "skip": {}}, {"kind": "digits"}),
    "rnn": ({"kind": "rnn", "cell": "rnn", "width": 32}, {"kind": "digit_rows"}),
    "gru": ({"kind": "rnn", "cell": "gru", "width": 32}, {"kind": "digit_rows"}),
    "lstm": ({"kind": "rnn", "cell": "lstm", "width": 32}, {"kind": "adding_problem"}),
    "transformer, pre-norm": ({**_ATTENTION, "normalization": "pre_layer_norm", "skip": {}}, {"kind": "digit_rows"}),
    "transformer, text": ({**_ATTENTION, "normalization": "pre_layer_norm", "skip": {}}, {"kind": "char_lm"}),
}
"""Twelve models, each with the data that it is trained on."""
PRECISIONS = ("float32", "bfloat16", "float16")
BREAKING = {"early": 2.2, "in the middle": 1.7, "late": 0.6}
"""Learning rates at which a network with momentum breaks in different windows of 16 steps."""


def experiment(name: str, *, device: str, steps: int = 24, precision: str = "float32") -> Experiment:
    """The experiment of one of the models."""
    model, data = MODELS[name]
    training = {"steps": steps, "batch_size": 64, "precision": precision, "device": device}
    return Experiment.model_validate(
        {"model": model, "data": data, "optimizer": {"kind": "adam", "learning_rate": 1e-3}, "training": training}
    )


def breaking(learning_rate: float, *, device: str) -> Experiment:
    """A training that breaks within 200 steps, recorded in full at every step."""
    return Experiment.model_validate(
        {
            "model": {**_MLP, "depth": 3, "width": 8, "activation": "leaky_relu"},
            "data": {"kind": "moons"},
            "optimizer": {"kind": "sgd", "learning_rate": learning_rate, "momentum": 0.9},
            "training": {"steps": 200, "batch_size": 16, "device": device},
            "recording": {"every": 1, "full_every": 1},
        }
    )
