from typing import ClassVar, Literal

from ..experiments.experiment import Experiment
from ..measurements.record import RunRecord
from .base import Remedy, refuse

_LARGEST = {"float16": 65_504.0, "bfloat16": 3.39e38, "float32": 3.4e38, "float64": 1.8e308}
"""The largest number of each precision."""


class RaisePrecision(Remedy):
    """Use a precision with a larger range than float16, whose largest number is 65,504."""

    kind: Literal["raise_precision"] = "raise_precision"
    precision: Literal["bfloat16", "float32"] = "float32"
    """The new precision of activations and gradients."""
    source: ClassVar[str] = "Micikevicius et al. 2018, arXiv:1710.03740; Kalamkar et al. 2019, arXiv:1905.12322"

    def in_place(self, record: RunRecord) -> bool:
        used = record.preflight.precision if record.preflight is not None else None
        return used is not None and _LARGEST.get(used.lowest, 0.0) >= _LARGEST[self.precision]

    def apply(self, experiment: Experiment) -> Experiment:
        present = experiment.training.precision
        if _LARGEST[present] >= _LARGEST[self.precision]:
            raise refuse(f"{present} already has the range of {self.precision}")
        training = experiment.training.model_copy(update={"precision": self.precision})
        return experiment.model_copy(update={"training": training})
