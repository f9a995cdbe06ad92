"""Entries through which no gradient flows at all."""

from .base import Array, Block, TensorStatistic


def zero_fraction(block: Block) -> Array:
    """[k]: fraction of the entries that are exactly 0."""
    return block.count("eq", 0.0) / block.entries


STATISTICS = (
    TensorStatistic(
        "site_grad_zero_fraction",
        "site",
        "fraction",
        "Fraction of entries of dL/d(site) that are exactly 0",
        of="gradient",
        reduce=zero_fraction,
        rank=4,
    ),
    TensorStatistic(
        "weight_grad_zero_fraction",
        "weight",
        "fraction",
        "Fraction of the weight's gradient entries that are exactly 0",
        of="gradient",
        reduce=zero_fraction,
        rank=18,
    ),
)
