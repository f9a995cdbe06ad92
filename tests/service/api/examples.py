"""Bodies that the tests send."""

import copy
from typing import Any

EXPERIMENT: dict[str, Any] = {
    "model": {"kind": "mlp", "depth": 8, "width": 16, "activation": "sigmoid"},
    "data": {"kind": "digits"},
    "optimizer": {"kind": "sgd", "learning_rate": 0.1},
    "training": {"steps": 30, "batch_size": 32},
}


def experiment(**changes: Any) -> dict[str, Any]:
    """The example with some parts changed: `experiment(model={"depth": 3})`."""
    made = copy.deepcopy(EXPERIMENT)
    for part, values in changes.items():
        made[part] = {**made.get(part, {}), **values} if isinstance(values, dict) else values
    return made


def study(**changes: Any) -> dict[str, Any]:
    return {
        "experiment": EXPERIMENT,
        "arms": [{"name": "batch norm", "remedies": [{"kind": "add_batch_norm"}]}],
        "seeds": [0, 1],
        **changes,
    }


def explosive() -> dict[str, Any]:
    """A network whose loss is not finite after a step or two."""
    initialization = {"scheme": "kaiming_normal", "gain": 5.0}
    return experiment(
        model={"activation": "relu", "initialization": initialization}, optimizer={"learning_rate": 100.0}
    )


HEALTHY = experiment(
    model={"depth": 2, "activation": "relu"}, optimizer={"kind": "adam", "learning_rate": 0.01}, training={"steps": 50}
)
"""A network that trains well."""
