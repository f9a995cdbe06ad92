"""What a run came to: its final losses, and what it took."""

import math

import torch

from gradclinic.measurements.record import Outcome

from .objective import Objective
from .progress import Progress


def outcome(objective: Objective, progress: Progress, *, device: torch.device) -> Outcome:
    """Evaluate the network as it is now; after a divergence, no final loss is finite."""
    train_loss, _ = objective.evaluated()
    validation_loss, accuracy = objective.validation()
    if progress.nonfinite_step is not None:  # training diverged, so there is no final state
        train_loss = train_loss if not math.isfinite(train_loss) else math.nan
        validation_loss = validation_loss if not math.isfinite(validation_loss) else math.nan
    return Outcome(
        steps_done=progress.step,
        nonfinite_step=progress.nonfinite_step,
        initial_train_loss=progress.initial_loss,
        final_train_loss=train_loss,
        constant_loss=objective.constant_loss,
        final_validation_loss=validation_loss,
        final_validation_accuracy=accuracy,
        steps_to_target=progress.steps_to_target,
        train_seconds=progress.train_seconds,
        recording_seconds=progress.recording_seconds,
        peak_memory_bytes=torch.cuda.max_memory_allocated(device) if device.type == "cuda" else None,
        stopped_on=progress.stopped_on,
        loss_unit=objective.loss_unit,
        alone_step_seconds=progress.alone_step_seconds,
    )
