"""How far a run has come."""

import math
from dataclasses import dataclass

from gradclinic.measurements.preflight import Preflight
from gradclinic.measurements.record import Series


@dataclass
class Progress:
    """What is known of a run in progress besides its tensors."""

    step: int = 0
    """Steps done."""
    initial_loss: float = math.nan
    preflight: Preflight | None = None
    steps_to_target: int | None = None
    """First step after which the probe loss counts as learned."""
    train_seconds: float = 0.0
    recording_seconds: float = 0.0
    alone_step_seconds: float | None = None
    """Seconds of a step of a lane, as it takes alone."""
    nonfinite_step: int | None = None
    """The step whose loss or gradient norm was not finite; a run ends at it."""
    stopped_on: str | None = None
    """The condition that it was stopped on before its last step."""

    def broke(self) -> bool:
        """Whether a non-finite loss or gradient norm was observed."""
        return self.nonfinite_step is not None

    def saw_probe(self, losses: Series | None, *, target: float) -> None:
        """Note when the probe loss first was at most `target`."""
        if losses is None or self.steps_to_target is not None:
            return
        reached = losses.steps[losses.values[:, 0] <= target]
        if len(reached):
            self.steps_to_target = int(reached[0])
