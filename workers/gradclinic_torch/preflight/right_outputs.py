"""The value of a loss of the program's own for outputs that are right, where the targets are zeros and ones.

Right are the targets themselves, or logits far on their side, whichever the loss is smaller for. A training that falls
below that has left the range of outputs that the loss is made for, as a Dice loss over outputs without a sigmoid.
"""

from math import inf, isfinite

from torch import Tensor, nn

from .own_loss import values_of

_FAR = 40.0
"""A logit whose sigmoid is 1 in float32."""


def loss_of_right_outputs(criterion: nn.Module, outputs: Tensor, targets: Tensor, value: Tensor) -> float | None:
    """The smaller of the two values for this batch; None if the loss is one of torch's, or the targets are others.

    None also where opposite outputs have a smaller loss: then outputs are not meant to be like the targets, as a
    distance, which is small for pairs that are labelled 1.
    """
    if outputs.shape != targets.shape or not targets.is_floating_point() or not targets.numel():
        return None
    if not bool(((targets == 0) | (targets == 1)).all()) or bool((targets == targets.flatten()[0]).all()):
        return None
    right, opposite = ((each.clone(), _FAR * (2 * each - 1)) for each in (targets, 1 - targets))
    found = values_of(criterion, outputs, targets, [(each, targets) for each in (*right, *opposite)], known=value)
    if found is None:
        return None
    values = [float(each) if isfinite(float(each)) else inf for each in found]
    least = min(values[:2])
    return least if least < min(values[2:]) else None
