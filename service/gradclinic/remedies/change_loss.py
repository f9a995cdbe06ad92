from typing import ClassVar, Literal

from ..experiments.experiment import Experiment
from ..experiments.losses import AnyLoss
from ..measurements.record import RunRecord
from .base import Remedy, refuse
from .endings import misfit


class ChangeLoss(Remedy):
    """Replace the loss, by default with the usual one: cross entropy for classes, squared error for numbers."""

    kind: Literal["change_loss"] = "change_loss"
    loss: AnyLoss | None = None
    """The new loss; null is the usual one for the data. The outputs must fit it; see `change_output_activation`."""
    source: ClassVar[str] = "Goodfellow, Bengio and Courville 2016, Deep Learning, 6.2; Golik et al. 2013, Interspeech"

    def in_place(self, record: RunRecord) -> bool:
        seen = record.preflight
        if self.loss is not None or seen is None or seen.loss is None or seen.targets is None:
            return False
        return seen.loss.name == ("MSELoss" if seen.targets.form == "numbers" else "CrossEntropyLoss")

    def misfits(self, record: RunRecord) -> bool:
        seen = record.preflight
        if seen is None or seen.loss is None or seen.targets is None or seen.outputs is None:
            return False
        own = seen.loss.takes == "unknown"
        one_class_a_row = seen.targets.form in ("one_hot", "indices") and seen.outputs.columns > 1
        return own or (self.loss is None and seen.targets.form != "numbers" and not one_class_a_row)

    def apply(self, experiment: Experiment) -> Experiment:
        changed = experiment.model_copy(update={"loss": self.loss})
        loss, task = changed.minimized, experiment.data.task
        if loss == experiment.minimized:
            raise refuse(f"the loss is already {loss.kind} with these fields")
        if task not in loss.tasks:
            raise refuse(f"{loss.kind} is not a loss for a {task} such as {experiment.data.kind}")
        why = misfit(loss, experiment.ending)
        if why is not None:
            raise refuse(f"{why}; change the output activation first")
        return changed
