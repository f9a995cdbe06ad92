"""How much an activation depends on the input."""

from math import sqrt

from .base import Array, Block, TensorStatistic


def batch_std(block: Block) -> Array:
    """[k]: each unit's standard deviation over the batch (without Bessel's correction), RMS over the units."""
    return block.deviation_norms / sqrt(block.entries)


STATISTICS = (
    TensorStatistic(
        "activation_batch_std",
        "site",
        "activation",
        "Standard deviation of phi(site) over the batch, RMS over units",
        of="activation",
        reduce=batch_std,
        rank=10,
    ),
)
