"""RMS of a site's value, before and after its activation."""

from math import sqrt

from .base import Array, Block, TensorStatistic


def rms(block: Block) -> Array:
    """[k]: root mean square over batch and units."""
    return block.norms / sqrt(block.entries)


STATISTICS = (
    TensorStatistic(
        "preactivation_rms", "site", "activation", "RMS of the site's value", of="value", reduce=rms, rank=7
    ),
    TensorStatistic(
        "activation_rms",
        "site",
        "activation",
        "RMS of phi(site), with phi the activation; of the site itself if no activation follows",
        of="activation",
        reduce=rms,
        rank=9,
    ),
)
