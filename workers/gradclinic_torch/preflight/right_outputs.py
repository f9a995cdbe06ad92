"""The value of a loss of the program's own for outputs that are right, and whether it wants their opposites.

Of targets that are zeros and ones, right are the targets themselves, or logits far on their side, whichever the loss is
smaller for. A training that falls below that has left the range of outputs that the loss is made for, as a Dice loss
over outputs without a sigmoid. Of other numbers, only opposites are looked at.
"""

from dataclasses import dataclass
from math import inf, isfinite

from torch import Tensor, nn

from .own_loss import values_of

_FAR = 40.0
"""A logit whose sigmoid is 1 in float32."""


_CLEARLY = 0.05
"""Difference of two values, over the larger one, from which one is smaller beyond what smoothing makes of it."""


@dataclass(frozen=True)
class RightOutputs:
    """What a loss makes of outputs that are right."""

    loss: float | None
    """Its value for them; None if opposite outputs have a smaller one."""
    opposed: bool
    """Whether opposite outputs have a smaller loss although the outputs are maps or sequences, where a right output
    can only be like its target, or are numbers of which the opposites are best."""
    exceeded: bool
    """Whether twice the targets have a smaller loss than right outputs, clearly."""


def right_outputs(criterion: nn.Module, outputs: Tensor, targets: Tensor, value: Tensor) -> RightOutputs | None:
    """The values for this batch; None if the loss is one of torch's, or the targets are others and no opposites best.

    Where opposite outputs have a smaller loss, a single output need not be like its target: a distance is small for
    pairs that are labelled 1.
    """
    if outputs.shape != targets.shape or not targets.is_floating_point() or not targets.numel():
        return None
    if bool((targets == targets.flatten()[0]).all()):
        return None
    if not bool(((targets == 0) | (targets == 1)).all()):
        wanted = _wants_opposites(criterion, outputs, targets, value)
        return RightOutputs(None, opposed=True, exceeded=False) if wanted else None
    right, opposite = ((each.clone(), _FAR * (2 * each - 1)) for each in (targets, 1 - targets))
    others = [(each, targets) for each in (*right, *opposite, 2 * targets)]
    found = values_of(criterion, outputs, targets, others, known=value)
    if found is None:
        return None
    values = [float(each) if isfinite(float(each)) else inf for each in found]
    least, other = min(values[:2]), min(values[2:4])
    if least < other:
        return RightOutputs(least, opposed=False, exceeded=values[4] < least - _CLEARLY * (other - least))
    clearly = isfinite(least) and least - other > _CLEARLY * max(abs(least), abs(other))
    opposed = outputs.ndim > 2 and clearly and values[2] <= values[0]
    return RightOutputs(None, opposed=opposed, exceeded=False)


def _wants_opposites(criterion: nn.Module, outputs: Tensor, targets: Tensor, value: Tensor) -> bool:
    """Whether the loss is clearly smaller for minus the targets than for the targets, and neither twice nor half as
    much is better: a cost that outputs are to avoid falls further, the larger they are.
    """
    if not bool((targets < 0).any()) or not bool((targets > 0).any()):
        return False
    others = [(factor * targets, targets) for factor in (1.0, -1.0, -2.0, -0.5)]
    found = values_of(criterion, outputs, targets, others, known=value)
    if found is None or not all(isfinite(float(each)) for each in found):
        return False
    right, opposite, twice, half = (float(each) for each in found)
    noise = _CLEARLY * (right - opposite)
    return right - opposite > _CLEARLY * max(abs(right), abs(opposite)) and opposite <= min(twice, half) + noise
