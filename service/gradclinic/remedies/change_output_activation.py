from typing import ClassVar, Literal

from ..experiments.experiment import Experiment
from ..experiments.output_activations import AnyOutputActivation
from ..measurements.record import RunRecord
from .base import Remedy, refuse
from .endings import fits, misfit, with_ending


class ChangeOutputActivation(Remedy):
    """Replace the output activation, by default with none: most losses expect the outputs of the last layer."""

    kind: Literal["change_output_activation"] = "change_output_activation"
    output_activation: AnyOutputActivation | None = None
    """The new output activation; null removes it. The loss must fit it; see `change_loss`."""
    source: ClassVar[str] = "Goodfellow, Bengio and Courville 2016, Deep Learning, 6.2.2"

    def in_place(self, record: RunRecord) -> bool:
        seen = record.preflight.outputs if record.preflight is not None else None
        wanted = self.output_activation.name if self.output_activation is not None else None
        return seen is not None and seen.activation == wanted

    def misfits(self, record: RunRecord) -> bool:
        loss = record.preflight.loss if record.preflight is not None else None
        return loss is not None and not fits(loss.takes, self.output_activation)

    def apply(self, experiment: Experiment) -> Experiment:
        present = experiment.ending
        if present == self.output_activation:
            has = "no output activation" if present is None else f"the output activation {present.name}"
            raise refuse(f"the network already has {has}")
        why = misfit(experiment.minimized, self.output_activation)
        if why is not None:
            raise refuse(f"then {why}; change the loss first")
        return with_ending(experiment, self.output_activation)
