"""Whether a loss of the program's own sees the directions of outputs only, as 1 - cosine, and not their sizes."""

from math import isfinite

import torch
from torch import Tensor, nn

from ..model.generator import kept_generators
from .own_loss import copied_loss

_SAME = 1e-5
"""Relative difference of two values of a loss in float32 up to which they are equal."""
_TIMES = 4.0


def spread_of_sizes(criterion: nn.Module, outputs: Tensor, targets: Tensor, value: Tensor) -> float | None:
    """Deviation of the sizes of the targets over their mean, if the loss is the same for outputs of any size.

    None for another loss, and unless outputs and targets are numbers of one shape, at least two a sample.
    """
    several = outputs.shape == targets.shape and outputs.ndim > 1 and outputs.numel() > len(outputs) > 1
    if not several or not targets.is_floating_point():
        return None
    loss = copied_loss(criterion, outputs, targets, known=value)
    if loss is None:
        return None
    try:
        with kept_generators(outputs.device), torch.no_grad():
            own, scaled, turned = (float(loss(outputs * by, targets)) for by in (1.0, _TIMES, -1.0))
    except Exception:  # noqa: BLE001  # a loss may raise anything
        return None
    margin = _SAME * max(abs(own), abs(turned))
    if not all(map(isfinite, (own, scaled, turned))) or abs(scaled - own) > margin or abs(turned - own) <= margin:
        return None
    sizes = targets.detach().double().flatten(1).norm(dim=1)
    mean = float(sizes.mean())
    return float(sizes.std()) / mean if mean > 0 else None
