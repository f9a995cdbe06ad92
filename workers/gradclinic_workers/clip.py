"""Limits gradients between backward and the optimizer's step."""

from collections.abc import Sequence

import torch
from torch import Tensor

from gradclinic.clipping import Clipping
from gradclinic.clipping.norm import NormClipping
from gradclinic.clipping.value import ValueClipping


def norms_of(tensors: Sequence[Tensor]) -> Tensor:
    """L2 norm of each tensor, [len(tensors)] float64: a float32 sum of squares would lose 1e-25 to underflow."""
    if not tensors:
        return torch.zeros(0, dtype=torch.float64)
    return torch.stack(torch._foreach_norm(list(tensors), 2, dtype=torch.float64))


@torch.no_grad()
def clip(clipping: Clipping | None, gradients: Sequence[Tensor], total_norm: Tensor) -> Tensor | None:
    """Limit the gradients in place; a 0/1 tensor that says whether anything changed, or None without clipping.

    `total_norm` is the L2 norm of all gradients together, before.
    """
    if clipping is None:
        return None
    if isinstance(clipping, NormClipping):
        factor = torch.clamp(clipping.max_norm / (total_norm + 1e-12), max=1.0)
        torch._foreach_mul_(list(gradients), factor.to(gradients[0].dtype))
        return (factor < 1.0).to(torch.float64)
    if isinstance(clipping, ValueClipping):
        exceeds = torch.stack([gradient.abs().amax() > clipping.max_value for gradient in gradients]).any()
        torch._foreach_clamp_min_(list(gradients), -clipping.max_value)
        torch._foreach_clamp_max_(list(gradients), clipping.max_value)
        return exceeds.to(torch.float64)
    raise TypeError(f"no clipping is known for {type(clipping).__name__}")
