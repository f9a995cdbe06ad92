"""Entries of a gradient that are NaN or infinite."""

from math import inf

from .base import Array, Block, TensorStatistic


def nonfinite_count(block: Block) -> Array:
    """[k]: number of entries that are NaN or infinite."""
    return block.entries - block.count("lt", inf)


STATISTICS = (
    TensorStatistic(
        "site_grad_nonfinite_count",
        "site",
        "entries",
        "Number of entries of dL/d(site) that are NaN or infinite",
        of="gradient",
        reduce=nonfinite_count,
        rank=6,
    ),
    TensorStatistic(
        "weight_grad_nonfinite_count",
        "weight",
        "entries",
        "Number of the weight's gradient entries that are NaN or infinite",
        of="gradient",
        reduce=nonfinite_count,
        rank=19,
    ),
)
