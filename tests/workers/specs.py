"""Small experiments that worker tests train, as a user would write them."""

from typing import Any

from gradclinic.experiments.experiment import Experiment


def mlp(*, data: str = "moons", steps: int = 12, batch_size: int = 16, seed: int = 0, **changes: Any) -> Experiment:
    """A small multilayer perceptron; `changes` are knobs of the model, or `optimizer`, `clipping`, `recording`."""
    model = {"kind": "mlp", "depth": 3, "width": 8, "activation": "tanh", "initialization": {"scheme": "xavier_normal"}}
    experiment = {
        "data": {"kind": data},
        "optimizer": changes.pop("optimizer", {"kind": "sgd", "learning_rate": 0.1}),
        "clipping": changes.pop("clipping", None),
        "recording": changes.pop("recording", {}),
        "training": {"steps": steps, "batch_size": batch_size, "seed": seed},
        "model": {**model, **changes},
    }
    return Experiment.model_validate(experiment)


def layers(*body: dict[str, Any], data: str = "moons", classes: int = 2, steps: int = 12, **changes: Any) -> Experiment:
    """An explicit list of layers; the readout is added."""
    return Experiment.model_validate(
        {
            "model": {
                "kind": "layers",
                "layers": [*body, {"kind": "linear", "out_features": classes}],
                "initialization": changes.pop("initialization", {"scheme": "xavier_normal"}),
            },
            "data": {"kind": data},
            "optimizer": changes.pop("optimizer", {"kind": "sgd", "learning_rate": 0.1}),
            "training": {"steps": steps, "batch_size": 16, **changes},
        }
    )
