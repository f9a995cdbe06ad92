"""Records a loop that should not be changed, or that belongs to a framework."""

import torch
from torch import nn
from typing_extensions import Unpack

from .options import RecordingOptions
from .recording import Recording


def watch(
    model: nn.Module,
    optimizer: torch.optim.Optimizer,
    criterion: nn.Module | None = None,
    **options: Unpack[RecordingOptions],
) -> Recording:
    """Record `model` from now on while `optimizer` trains it, without a call in the loop.

        recording = watch(model, optimizer, criterion, to="http://127.0.0.1:8000")
        train(model, optimizer, criterion)
        recording.finish()

    The loss is the value of the module `criterion`, or without one the loss that the model returns: `output.loss`,
    `output["loss"]`, or the only scalar in the output. If the model returns none, it is what the backward pass begins
    with, as a function has computed it. If the loop multiplies the loss of a module or model before the backward pass
    (gradient accumulation), the factor is found, and a scaler's in any case. The options are those of `Recording`.
    """
    recording = Recording(model, optimizer, criterion, **options)
    losses = recording.watch_losses()
    if criterion is None:
        losses.see_model(model)
        losses.see_backward()
    else:
        losses.see_criterion(criterion)
    return recording
