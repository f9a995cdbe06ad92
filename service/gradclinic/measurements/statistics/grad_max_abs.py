"""Size of a gradient's largest entry."""

from .base import Array, Block, TensorStatistic


def max_abs(block: Block) -> Array:
    """[k]: largest absolute value."""
    return block.largest


STATISTICS = (
    TensorStatistic(
        "site_grad_max_abs",
        "site",
        "loss per activation",
        "Batch size x largest absolute value of dL/d(site)",
        of="gradient",
        reduce=max_abs,
        grows=True,
        rank=3,
    ),
    TensorStatistic(
        "weight_grad_max_abs",
        "weight",
        "loss per weight",
        "Largest absolute value of the weight's gradient, before clipping",
        of="gradient",
        reduce=max_abs,
        grows=True,
        rank=17,
    ),
)
