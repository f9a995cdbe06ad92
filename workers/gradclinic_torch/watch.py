"""Records a loop that is not to be changed, or that belongs to a framework."""

from typing import Unpack

import torch
from torch import nn

from .options import RecordingOptions
from .recording import Recording


def watch(
    model: nn.Module,
    optimizer: torch.optim.Optimizer,
    criterion: nn.Module | None = None,
    **options: Unpack[RecordingOptions],
) -> Recording:
    """Record `model` from here on while `optimizer` trains it, without a call in the loop.

        recording = watch(model, optimizer, criterion, to="http://127.0.0.1:8000")
        train(model, optimizer, criterion)
        recording.finish()

    The loss is what `criterion`, a module, makes, or without one what the model returns: `output.loss`,
    `output["loss"]`, or the only scalar in it. A loss that is made in another way is not seen. What the loop multiplies
    it by before its backward, for an accumulation or in a scaler, is seen. Otherwise as `Recording`.
    """
    recording = Recording(model, optimizer, criterion, **options)
    losses = recording.watch_losses()
    if criterion is None:
        losses.see_model(model)
    else:
        losses.see_criterion(criterion)
    return recording
