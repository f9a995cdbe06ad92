from typing import Annotated, ClassVar, Literal

from pydantic import Field

from ..experiments.experiment import Experiment
from .base import Remedy, refuse

_MOST = 1_000_000


class TrainLonger(Remedy):
    """Take more steps; a schedule that decays over the whole training decays later."""

    kind: Literal["train_longer"] = "train_longer"
    factor: Annotated[float, Field(gt=1, le=1000)] = 4.0
    """Factor that multiplies the number of steps."""
    source: ClassVar[str] = "Hoffer, Hubara and Soudry 2017, arXiv:1705.08741"

    def apply(self, experiment: Experiment) -> Experiment:
        steps = round(experiment.training.steps * self.factor)
        if steps == experiment.training.steps:
            raise refuse(f"{steps} steps times {self.factor:g} are no more than {steps} steps")
        if steps > _MOST:
            raise refuse(f"{steps:,} steps are more than {_MOST:,}")
        training = experiment.training.model_copy(update={"steps": steps})
        return experiment.model_copy(update={"training": training})
