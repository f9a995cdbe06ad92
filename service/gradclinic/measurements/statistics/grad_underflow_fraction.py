"""Gradients that have lost digits because they are too small for their precision."""

from .base import Array, Block, TensorStatistic


def underflow_fraction(block: Block) -> Array:
    """[k]: fraction of the entries that are not 0 but smaller than the smallest normal number."""
    return (block.count("lt", block.smallest_normal) - block.count("eq", 0.0)) / block.entries


STATISTICS = (
    TensorStatistic(
        "site_grad_underflow_fraction",
        "site",
        "fraction",
        "Fraction of entries of dL/d(site) that are not 0 but below the smallest normal number of the precision",
        of="gradient",
        reduce=underflow_fraction,
        rank=5,
    ),
)
