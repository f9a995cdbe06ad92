"""Whether a loss of the program's own compares every output with every target, because their shapes differ.

Outputs [n, 1] and targets [n] broadcast to [n, n] in `(outputs - targets) ** 2`. A loss may also bring them to one
shape itself. To tell, a copy of it is called with the first batch in equal shapes, both [n, 1] and both [n].
"""

import copy

import torch
from torch import Tensor, nn

from ..model.generator import kept_generators

_SAME = 1e-3
"""Relative difference of two values of a loss up to which it is rounding."""


def broadcasts(criterion: nn.Module, outputs: Tensor, targets: Tensor, value: Tensor) -> bool:
    """Whether the loss is another one if both have the same shape, whichever of the two shapes that is."""
    if not _may_be(outputs, targets) or value.numel() != 1 or type(criterion).__module__.startswith("torch.nn."):
        return False
    try:
        own = copy.deepcopy(criterion)
        with kept_generators(outputs.device), torch.no_grad():
            flat, upright, again = (
                own.forward(outputs.detach().reshape(shape), targets.reshape(other)).double().reshape(())
                for shape, other in (((-1,), (-1,)), ((-1, 1), (-1, 1)), (outputs.shape, targets.shape))
            )
    except Exception:  # noqa: BLE001  # a loss need not take other shapes
        return False
    return _equal(again, value) and _equal(flat, upright) and not _equal(flat, again)


def _may_be(outputs: Tensor, targets: Tensor) -> bool:
    one, other = outputs.shape, targets.shape
    if not outputs.numel() > 1 or outputs.numel() != targets.numel() or len(one) + len(other) != 3:
        return False
    return targets.is_floating_point() and (*one, *other) in (
        (len(outputs), 1, len(outputs)),
        (len(outputs), len(outputs), 1),
    )


def _equal(one: Tensor, other: Tensor) -> bool:
    return bool(torch.isclose(one, other.detach().double().reshape(()), rtol=_SAME, atol=1e-9))
