"""A common rule of thumb for saturation, which does not depend on the activation."""

from .base import Array, Block, TensorStatistic


def beyond_5_fraction(block: Block) -> Array:
    """[k]: fraction of the entries below -5 or above 5."""
    return block.outside([(-5.0, 5.0)] * len(block.activations)) / block.entries


STATISTICS = (
    TensorStatistic(
        "beyond_5_fraction",
        "site",
        "fraction",
        "Fraction of entries with |site| > 5, a common rule of thumb",
        of="value",
        reduce=beyond_5_fraction,
        rank=12,
    ),
)
