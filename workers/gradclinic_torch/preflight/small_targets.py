"""Whether a loss of the program's own divides by its targets, so that those near 0 have nearly all of its gradient."""

from math import isfinite

import torch
from torch import Tensor, nn

from ..model.generator import kept_generators
from .own_loss import copied_loss

_FEWEST = 16
"""Samples from which ranks say something."""
_MOST = 1024
"""Most samples that are ranked."""
_FALLS = -0.9
"""Rank correlation of the gradient with the size of the target. That of an error divided by its target is -1."""


def largest_over_median(criterion: nn.Module, outputs: Tensor, targets: Tensor, value: Tensor) -> float | None:
    """The largest gradient of a sample over the median one, if it falls as targets grow; None otherwise.

    Outputs and targets are numbers of the same shape, one a sample.
    """
    plain = outputs.shape == targets.shape and outputs.numel() == len(outputs) and targets.is_floating_point()
    if not plain or len(outputs) < _FEWEST:
        return None
    loss = copied_loss(criterion, outputs, targets, known=value)
    if loss is None:
        return None
    free = outputs.detach().clone().requires_grad_()
    try:
        with kept_generators(outputs.device), torch.enable_grad():
            (gradient,) = torch.autograd.grad(loss(free, targets).reshape(()), [free])
    except Exception:  # noqa: BLE001  # a loss may raise anything
        return None
    sizes, targets = gradient.abs().double().flatten(), targets.abs().double().flatten()
    middle = float(sizes.median())
    if not isfinite(middle) or middle <= 0 or not _rank_correlation(sizes[:_MOST], targets[:_MOST]) <= _FALLS:
        return None
    largest = float(sizes.max())
    return largest / middle if isfinite(largest) else None


def _rank_correlation(one: Tensor, other: Tensor) -> float:
    """Spearman's, whose ties have their mean rank; NaN if all are equal."""
    ranks = [torch.sign(each[:, None] - each).sum(1) for each in (one, other)]
    return float(torch.corrcoef(torch.stack(ranks))[0, 1])
