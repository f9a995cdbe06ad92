from typing import ClassVar, Literal

from ..experiments.experiment import Experiment
from ..measurements.record import RunRecord
from .base import Remedy, refuse

_LEVEL = 1 / 3
"""Deviations of columns within a factor of three of 1 count as standardized."""


class StandardizeInputs(Remedy):
    """Standardize inputs (and regression targets) to mean 0 and variance 1, measured on the training split."""

    kind: Literal["standardize_inputs"] = "standardize_inputs"
    source: ClassVar[str] = "LeCun et al. 1998, Efficient BackProp"

    def in_place(self, record: RunRecord) -> bool:
        seen = record.preflight.inputs if record.preflight is not None else None
        return (
            seen is not None
            and _LEVEL <= seen.typical_std <= seen.largest_std <= 1 / _LEVEL
            and seen.largest_offset < 1
        )

    def apply(self, experiment: Experiment) -> Experiment:
        data = experiment.data
        if data.standardize:
            raise refuse("the data set is already standardized")
        return experiment.model_copy(update={"data": data.model_copy(update={"standardize": True})})
