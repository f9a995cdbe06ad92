from typing import ClassVar, Literal

from ..experiment import Experiment
from ..initializations import AnyInitialization
from ..initializations.xavier_uniform import XavierUniform
from .base import Remedy, refuse, with_knobs


class SetInitialization(Remedy):
    """Start every weighted layer from another scheme, by default Xavier's."""

    kind: Literal["set_initialization"] = "set_initialization"
    initialization: AnyInitialization = XavierUniform()
    """The new initialization, every field of it."""
    rank: ClassVar[int | None] = 5
    source: ClassVar[str] = "Glorot and Bengio 2010, AISTATS"

    def apply(self, experiment: Experiment) -> Experiment:
        if experiment.model.initialization == self.initialization:
            raise refuse(f"the model starts from {self.initialization.scheme} with these fields already")
        return with_knobs(experiment, initialization=self.initialization)
