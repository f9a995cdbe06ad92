"""Whether a cross entropy over likenesses of samples compares a sample with itself, as where a diagonal is not masked.

A normalized vector's likeness to itself is the same number for every sample, and the largest that there is. Source:
Chen et al. 2020, arXiv:2002.05709, equation 1, which leaves it out of the sum and never takes it for the pair.
"""

import torch
from torch import Tensor

from gradclinic.measurements.preflight import SelfComparison

FEWEST = 8
"""Rows and columns from which likenesses that are all largest at one place are none by chance."""
_SAME = 1e-4
"""Relative difference up to which two likenesses are the same: normalizing rounds."""


def self_comparison(logits: Tensor, targets: Tensor) -> SelfComparison | None:
    """Of logits [n, k] and classes [n]: whether the right one is the sample itself, or one of the others is."""
    if (
        logits.ndim != 2
        or targets.shape != logits.shape[:1]
        or targets.is_floating_point()
        or min(logits.shape) < FEWEST
    ):
        return None
    if not bool(((targets >= 0) & (targets < logits.shape[1])).all()):
        return None
    rows = torch.arange(len(logits), device=logits.device)
    if _stands_out(logits, rows, targets):
        return "partner"
    square = logits.shape[0] == logits.shape[1]
    return "other" if square and _stands_out(logits, rows, rows) and not bool((targets == rows).any()) else None


def _stands_out(logits: Tensor, rows: Tensor, columns: Tensor) -> bool:
    """Whether one entry of each row is larger than all others of it, and the same number in all rows."""
    chosen = logits[rows, columns].double()
    others = logits.double().clone()
    others[rows, columns] = -torch.inf
    same = float((chosen - chosen.mean()).abs().max()) <= _SAME * float(chosen.abs().max())
    return same and bool((others.amax(1) < chosen - _SAME * chosen.abs()).all())
