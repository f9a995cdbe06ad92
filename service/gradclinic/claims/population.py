"""Broken networks of every kind and condition, for claims about remedies in general."""

from ..experiments.experiment import Experiment
from .networks import mlp, network


def broken(*, steps: int, image_batch: int = 64) -> dict[str, tuple[str, Experiment]]:
    """By name: the built-in condition, and the experiment.

    `image_batch` is the batch size of the convolutional networks, which cost as much as all others together.
    """
    adding = {"kind": "adding_problem", "length": 25}
    token = {"kind": "first_token", "length": 30}
    gelu = mlp(14, "gelu", "lecun_normal", gain=2.8)
    adam = {"kind": "adam", "learning_rate": 0.003}
    return {
        "sigmoid mlp": ("vanishing_gradients", network(mlp(10, "sigmoid"), steps=steps)),
        "narrow tanh mlp": (
            "vanishing_gradients",
            network(mlp(24, "tanh", "lecun_normal", gain=0.6), data="moons", steps=steps),
        ),
        "sigmoid cnn": (
            "vanishing_gradients",
            network(_cnn(6, "sigmoid", "xavier_normal", 1.0), steps=steps, batch_size=image_batch),
        ),
        "quiet rnn": ("vanishing_gradients", network(_rnn(0.5), data=token, optimizer=adam, steps=steps)),
        "loud relu mlp": (
            "exploding_gradients",
            network(mlp(14, "relu", "lecun_normal", gain=2.4), learning_rate=0.02, steps=steps),
        ),
        "loud gelu mlp": ("exploding_gradients", network(gelu, data="blobs", learning_rate=0.01, steps=steps)),
        "loud relu cnn": (
            "exploding_gradients",
            network(_cnn(10, "relu", "lecun_normal", 2.8), learning_rate=0.02, steps=steps, batch_size=image_batch),
        ),
        "chaotic rnn": ("exploding_gradients", network(_rnn(3.0), data=adding, learning_rate=0.05, steps=steps)),
        "dead relu mlp": (
            "dead_units",
            network(mlp(5, "relu", "kaiming_normal", bias=-3.0), learning_rate=0.05, steps=steps),
        ),
        "saturated sigmoid mlp": (
            "saturated_activations",
            network(mlp(4, "sigmoid", "lecun_normal", bias=9.0), steps=steps),
        ),
        "saturated tanh mlp": (
            "saturated_activations",
            network(mlp(4, "tanh", "lecun_normal", gain=40.0), learning_rate=0.01, steps=steps),
        ),
        "rash relu mlp": (
            "divergence",
            network(mlp(3, "relu", "kaiming_normal", width=64), data="teacher", learning_rate=3.0, steps=steps),
        ),
        "restless normed mlp": (
            "oscillating_loss",
            network(
                mlp(3, "relu", "kaiming_normal", normalization="batch_norm"),
                data="moons",
                learning_rate=6.0,
                batch_size=32,
                steps=steps,
            ),
        ),
        "timid relu mlp": (
            "slow_convergence",
            network(mlp(4, "relu", "kaiming_normal"), learning_rate=1e-5, steps=steps),
        ),
    }


def _cnn(depth: int, activation: str, scheme: str, gain: float) -> dict[str, object]:
    return {
        "kind": "cnn",
        "depth": depth,
        "channels": 12,
        "activation": activation,
        "initialization": {"scheme": scheme, "gain": gain},
    }


def _rnn(gain: float) -> dict[str, object]:
    return {
        "kind": "rnn",
        "cell": "rnn",
        "width": 32,
        "activation": "tanh",
        "initialization": {"scheme": "lecun_normal", "gain": gain},
    }
