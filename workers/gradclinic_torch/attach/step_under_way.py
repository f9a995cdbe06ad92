"""The current step."""

from dataclasses import dataclass, field

from torch import Tensor

from ..measure.loss_of_passes import Told
from ..measure.observation import Observation


@dataclass
class StepUnderWay:
    """The current step, from its first backward pass to the optimizer's step."""

    loss: Tensor
    total_norm: Tensor | None = None
    """L2 norm of all gradients; None where it is not taken in this step."""
    measured: Tensor | None = None
    """[parameters]: norms of the gradients as they were found, still scaled."""
    observation: Observation | None = None
    learning_rate: float | None = None
    told: list[Told] = field(default_factory=list)
    """The losses of its passes, and what each was multiplied by before its backward, where that was seen."""
