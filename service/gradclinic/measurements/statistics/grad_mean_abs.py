"""Mean size of a gradient's entries."""

from .base import Array, Block, TensorStatistic


def mean_abs(block: Block) -> Array:
    """[k]: mean absolute value."""
    return block.size_sums / block.entries


STATISTICS = (
    TensorStatistic(
        "site_grad_mean_abs",
        "site",
        "loss per activation",
        "Batch size x mean absolute value of dL/d(site)",
        of="gradient",
        reduce=mean_abs,
        grows=True,
        rank=2,
    ),
    TensorStatistic(
        "weight_grad_mean_abs",
        "weight",
        "loss per weight",
        "Mean absolute value of the weight's gradient, before clipping",
        of="gradient",
        reduce=mean_abs,
        grows=True,
        rank=16,
    ),
)
