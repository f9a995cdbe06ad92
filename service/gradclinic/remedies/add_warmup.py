from typing import Annotated, ClassVar, Literal

from pydantic import Field

from ..experiments.experiment import Experiment
from ..experiments.lr_schedules import LrSchedule
from ..experiments.lr_schedules.constant import Constant
from ..experiments.lr_schedules.cosine import Cosine
from ..experiments.lr_schedules.linear_warmup import LinearWarmup
from .base import Remedy, refuse


class AddWarmup(Remedy):
    """Increase the learning rate from near zero over the first steps, when gradients are least reliable."""

    kind: Literal["add_warmup"] = "add_warmup"
    warmup_steps: Annotated[int, Field(ge=1, le=1_000_000)] = 50
    """Steps until the full learning rate is reached."""
    source: ClassVar[str] = "Goyal et al. 2017, arXiv:1706.02677"

    def apply(self, experiment: Experiment) -> Experiment:
        return experiment.model_copy(update={"schedule": self.warmed(experiment.schedule)})

    def warmed(self, schedule: LrSchedule) -> LrSchedule:
        """The schedule with this warmup; raises RemedyDoesNotApply if it has it, or cannot have one."""
        if isinstance(schedule, Constant | LinearWarmup):
            changed: LrSchedule = LinearWarmup(warmup_steps=self.warmup_steps)
        elif isinstance(schedule, Cosine):
            changed = schedule.model_copy(update={"warmup_steps": self.warmup_steps})
        else:
            raise refuse(f"the schedule {schedule.kind} does not support warmup; use constant or cosine")
        if changed == schedule:
            raise refuse(f"the schedule already has {self.warmup_steps} warmup steps")
        return changed
