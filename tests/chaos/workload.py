"""What the runs train, and what each of them must have stored when it was never disturbed."""

from dataclasses import dataclass
from functools import cache
from typing import Any

from gradclinic.experiments.experiment import Experiment
from gradclinic.measurements.record import RunRecord
from gradclinic_workers.train import device, fit

SHAPES = ((300, 0), (700, 1), (1200, 2), (2000, 3))
"""Steps and seed of the experiments; few, so that each reference is trained once."""


@dataclass(frozen=True)
class Job:
    """One run to submit."""

    key: str
    shape: int

    @property
    def experiment(self) -> dict[str, Any]:
        return experiment(self.shape)


@cache
def experiment(shape: int) -> dict[str, Any]:
    steps, seed = SHAPES[shape]
    return {
        "model": {"kind": "mlp", "depth": 4, "width": 16, "activation": "tanh"},
        "data": {"kind": "moons"},
        "optimizer": {"kind": "adam", "learning_rate": 0.003},
        "training": {"steps": steps, "batch_size": 16, "seed": seed},
    }


@cache
def reference(shape: int) -> RunRecord:
    """What an undisturbed run of the shape measures."""
    device.make_deterministic()
    return fit.train(Experiment.model_validate(experiment(shape)))
