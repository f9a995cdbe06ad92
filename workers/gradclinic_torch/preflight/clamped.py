"""Whether weights are clamped to a bound after each step, as those of a Wasserstein GAN's critic are."""

from collections.abc import Iterable

from torch import Tensor

_FEWEST = 64
"""Entries from which many at the very same size are no chance."""
_SHARE = 0.1
"""Least fraction of the entries of a weight at its largest size; of random ones it is a single one."""


def clamped_at(weights: Iterable[Tensor]) -> float | None:
    """The bound of the largest weight, if most weights have many entries at one bound, and others below it."""
    matrices = [each.detach().abs() for each in weights if each.ndim > 1 and each.numel() >= _FEWEST]
    shares = [float((each == each.max()).double().mean()) for each in matrices]
    clamped = [each for each, share in zip(matrices, shares, strict=True) if _SHARE <= share < 1.0]
    if not clamped or 2 * len(clamped) <= len(matrices):
        return None
    return round(max(float(each.max()) for each in clamped), 6)
