"""Products of stacked matrices that round each lane alike, however many lanes there are."""

import torch
from torch import Tensor


def product(left: Tensor, right: Tensor) -> Tensor:
    """The product of [lanes, rows, inner] and [lanes, inner, columns] to [lanes, rows, columns]."""
    if _rounds_otherwise(left, right):
        return torch.bmm(left.expand(2, -1, -1), right.expand(2, -1, -1))[:1]
    return torch.bmm(left, right)


def added_product(added: Tensor, left: Tensor, right: Tensor) -> Tensor:
    """Added + left @ right; what is added has the shape of the product, or one row for all."""
    if _rounds_otherwise(left, right):
        return torch.baddbmm(added.expand(2, -1, -1), left.expand(2, -1, -1), right.expand(2, -1, -1))[:1]
    return torch.baddbmm(added, left, right)


def _rounds_otherwise(left: Tensor, right: Tensor) -> bool:
    """Whether torch multiplies by another routine than beside other lanes: one lane, with a vector for a matrix."""
    return len(left) == 1 and 1 in (*left.shape[1:], right.shape[2])
