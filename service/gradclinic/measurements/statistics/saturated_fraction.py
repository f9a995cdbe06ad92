"""Entries at which the activation's slope has almost vanished."""

from ...experiments.activations.base import OPEN
from .base import Array, Block, TensorStatistic


def saturated_fraction(block: Block) -> Array:
    """[k]: fraction of the entries beyond the activation's saturation bounds."""
    bounds = [OPEN if activation is None else activation.saturation_bounds() for activation in block.activations]
    return block.outside(bounds) / block.entries


STATISTICS = (
    TensorStatistic(
        "saturated_fraction",
        "site",
        "fraction",
        "Fraction of entries where |phi'| < 0.05 sup|phi'|",
        of="value",
        reduce=saturated_fraction,
        needs_activation=True,
        rank=11,
    ),
)
