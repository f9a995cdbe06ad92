"""What the owner of a training loop says of it."""

from dataclasses import dataclass
from typing import Any

from torch import nn

from gradclinic.experiments.experiment import RecordingPlan


@dataclass(frozen=True)
class LoopFacts:
    """What cannot be seen, or need not be looked for."""

    plan: RecordingPlan
    steps: int | None
    batch_size: int | None
    probe: tuple[Any, Any] | None
    criterion: nn.Module | None
    scaler: Any
