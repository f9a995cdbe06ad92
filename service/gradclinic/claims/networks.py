"""The networks that claims are tested on."""

from typing import Any

from ..experiments.experiment import Experiment


def network(
    model: dict[str, object],
    *,
    data: dict[str, object] | str = "digits",
    optimizer: dict[str, object] | None = None,
    learning_rate: float = 0.1,
    steps: int = 300,
    batch_size: int = 64,
    **more: Any,
) -> Experiment:
    """An experiment from its parts as JSON values; SGD by default."""
    return Experiment.model_validate(
        {
            "model": model,
            "data": {"kind": data} if isinstance(data, str) else data,
            "optimizer": optimizer or {"kind": "sgd", "learning_rate": learning_rate},
            "training": {"steps": steps, "batch_size": batch_size},
            **more,
        }
    )


def mlp(
    depth: int, activation: str, scheme: str = "xavier_normal", *, width: int = 32, **more: Any
) -> dict[str, object]:
    """A multilayer perceptron; `gain` and `bias` go to its initialization, the rest to the model."""
    initialization = {"scheme": scheme} | {name: more.pop(name) for name in ("gain", "bias") if name in more}
    return {
        "kind": "mlp",
        "depth": depth,
        "width": width,
        "activation": activation,
        "initialization": initialization,
        **more,
    }
