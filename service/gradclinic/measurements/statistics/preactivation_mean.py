"""Mean of a site's value."""

from .base import Array, Block, TensorStatistic


def mean(block: Block) -> Array:
    """[k]: mean over batch and units."""
    return block.sums / block.entries


STATISTICS = (
    TensorStatistic(
        "preactivation_mean", "site", "activation", "Mean of the site's value", of="value", reduce=mean, rank=8
    ),
)
