from typing import ClassVar, Literal

from ..experiments.experiment import Experiment
from ..measurements.record import RunRecord
from .base import Remedy, refuse

_LEVEL = 1 / 3
"""Targets whose mean and deviation are within a factor of three of what they would be count as standardized."""


class StandardizeTargets(Remedy):
    """Standardize regression targets to mean 0 and variance 1, measured on the training split; inputs do not change."""

    kind: Literal["standardize_targets"] = "standardize_targets"
    source: ClassVar[str] = "Bishop 1995, Neural Networks for Pattern Recognition, 8.2"

    def in_place(self, record: RunRecord) -> bool:
        seen = record.preflight.targets if record.preflight is not None else None
        if seen is None:
            return False
        return seen.form != "numbers" or (_LEVEL <= seen.std <= 1 / _LEVEL and abs(seen.mean) < seen.std)

    def apply(self, experiment: Experiment) -> Experiment:
        data = experiment.data
        if data.task != "regression":
            raise refuse("the targets are classes, which have no scale")
        if data.targets_are_standardized:
            raise refuse("the targets are already standardized")
        return experiment.model_copy(update={"data": data.model_copy(update={"standardize_targets": True})})
