"""What the runs train, and what each of them must have stored when it was never disturbed."""

from dataclasses import dataclass
from functools import cache
from typing import Any

from gradclinic.experiments.experiment import Experiment
from gradclinic.measurements.record import RunRecord
from gradclinic_workers.train import device, fit
from gradclinic_workers.train.lanes import LaneRun, train_together

SHAPES = ((300, 0), (700, 1), (1200, 2), (2000, 3))
"""Steps and seed of the experiments; few, so that each reference is trained once."""
SEEDS = [0, 1, 2, 3]
"""The seeds of a study, whose runs are lanes of an ensemble."""


@dataclass(frozen=True)
class Job:
    """One run to submit, or a study of one experiment with several seeds."""

    key: str
    shape: int
    is_study: bool = False

    @property
    def runs(self) -> int:
        return len(SEEDS) if self.is_study else 1

    @property
    def path(self) -> str:
        return "/v1/studies" if self.is_study else "/v1/runs"

    @property
    def body(self) -> dict[str, Any]:
        return {"experiment": experiment(self.shape), **({"seeds": SEEDS} if self.is_study else {})}


def jobs(prefix: str, shapes: list[int]) -> list[Job]:
    """One run for each shape; of eight runs, four that follow each other are a study of the first one's shape."""
    found = []
    while shapes:
        is_study = len(shapes) >= len(SEEDS) and len(found) % 5 == 1
        found.append(Job(f"{prefix}-{len(found)}", shapes[0], is_study))
        shapes = shapes[found[-1].runs :]
    return found


def experiment(shape: int, seed: int | None = None) -> dict[str, Any]:
    steps, own_seed = SHAPES[shape]
    return {
        "model": {"kind": "mlp", "depth": 4, "width": 16, "activation": "tanh"},
        "data": {"kind": "moons"},
        "optimizer": {"kind": "adam", "learning_rate": 0.003},
        "training": {"steps": steps, "batch_size": 16, "seed": own_seed if seed is None else seed},
    }


@cache
def reference(steps: int, seed: int, *, is_lane: bool) -> RunRecord:
    """What an undisturbed run measures. A lane of an ensemble rounds differently, whatever the other lanes are."""
    shape = [each for each, _ in SHAPES].index(steps)
    device.make_deterministic()
    trained = Experiment.model_validate(experiment(shape, seed))
    if not is_lane:
        return fit.train(trained)
    ((_, record),) = train_together([LaneRun(trained)])
    assert isinstance(record, RunRecord)
    return record
