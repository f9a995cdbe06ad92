from typing import ClassVar, Literal

from ..experiments.experiment import Experiment
from ..experiments.lr_schedules import AnyLrSchedule
from ..experiments.lr_schedules.constant import Constant
from .base import Remedy, refuse


class ChangeSchedule(Remedy):
    """Replace the learning-rate schedule, by default with a constant rate; a decay that is too early stops learning."""

    kind: Literal["change_schedule"] = "change_schedule"
    schedule: AnyLrSchedule = Constant()
    """The new schedule with all its fields."""
    source: ClassVar[str] = "Bengio 2012, arXiv:1206.5533, 3.1.1"

    def apply(self, experiment: Experiment) -> Experiment:
        if experiment.schedule == self.schedule:
            raise refuse(f"the schedule is already {self.schedule.kind} with these fields")
        return experiment.model_copy(update={"schedule": self.schedule})
