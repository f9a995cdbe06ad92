"""The current step."""

from dataclasses import dataclass, field

from torch import Tensor

from ..measure.loss_of_passes import Told
from ..measure.observation import Observation


@dataclass(frozen=True)
class Measured:
    """What was taken of the gradients of a step before any clipping."""

    norms: Tensor
    """[parameters]: L2 norms of the gradients as they were found, still scaled."""
    total_norm: Tensor
    """L2 norm of all gradients, unscaled."""
    observation: Observation | None
    """None where only the norms are recorded."""


@dataclass
class StepUnderWay:
    """The current step, from its first backward pass to the optimizer's step."""

    loss: Tensor
    measured: Measured | None = None
    """None where only the loss is recorded in this step."""
    learning_rate: float | None = None
    told: list[Told] = field(default_factory=list)
    """The losses of its passes, and what each was multiplied by before its backward, where that was seen."""

    @property
    def observation(self) -> Observation | None:
        """What is observed of the step besides its norms; None if nothing is."""
        return None if self.measured is None else self.measured.observation

    @property
    def total_norm(self) -> Tensor | None:
        """L2 norm of all gradients; None where it is not taken in this step."""
        return None if self.measured is None else self.measured.total_norm
