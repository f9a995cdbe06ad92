"""The value of a loss of the program's own for outputs that are right, where the targets are zeros and ones.

Right are the targets themselves, or logits far on their side, whichever the loss is smaller for. A training that falls
below that has left the range of outputs that the loss is made for, as a Dice loss over outputs without a sigmoid.
"""

import copy

import torch
from torch import Tensor, nn

from ..model.generator import kept_generators

_FAR = 40.0
"""A logit whose sigmoid is 1 in float32."""


def loss_of_right_outputs(criterion: nn.Module, outputs: Tensor, targets: Tensor, value: Tensor) -> float | None:
    """The smaller of the two values for this batch; None if the loss is one of torch's, or the targets are others."""
    if type(criterion).__module__.startswith("torch.nn.") or outputs.shape != targets.shape or value.numel() != 1:
        return None
    if not targets.is_floating_point() or not bool(((targets == 0) | (targets == 1)).all()) or targets.std() == 0:
        return None
    right = (targets, _FAR * (2 * targets - 1))
    try:
        own = copy.deepcopy(criterion)
        with kept_generators(outputs.device), torch.no_grad():
            again, *found = (float(own.forward(each.clone(), targets)) for each in (outputs.detach(), *right))
    except Exception:  # noqa: BLE001  # a loss may raise anything
        return None
    known = [each for each in found if each == each]  # noqa: PLR0124  # NaN differs from itself
    repeats = abs(again - float(value)) <= 1e-3 * max(1e-6, abs(again))
    return min(known) if known and repeats else None
