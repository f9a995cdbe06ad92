"""What the user states about a training loop."""

from dataclasses import dataclass
from typing import Any

from torch import nn

from gradclinic.experiments.experiment import RecordingPlan


@dataclass(frozen=True)
class LoopFacts:
    """Facts that the recorder cannot see, or need not find out."""

    plan: RecordingPlan
    steps: int | None
    batch_size: int | None
    probe: tuple[Any, Any] | None
    criterion: nn.Module | None
    scaler: Any
