"""Clips gradients between the backward pass and the optimizer step."""

from collections.abc import Sequence

import torch
from torch import Tensor

from gradclinic.experiments.clipping import Clipping
from gradclinic.experiments.clipping.adaptive import AdaptiveClipping
from gradclinic.experiments.clipping.norm import NormClipping
from gradclinic.experiments.clipping.value import ValueClipping


@torch.no_grad()
def clip(
    clipping: Clipping | None, gradients: Sequence[Tensor], total_norm: Tensor, *, weights: Sequence[Tensor] = ()
) -> Tensor | None:
    """Clip the gradients in place; returns a 0/1 tensor (whether anything changed), or None without clipping.

    `total_norm` is the L2 norm over all gradients before clipping; `weights` are the parameters of the gradients.
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
    if isinstance(clipping, AdaptiveClipping):
        return _clip_by_unit(clipping.factor, gradients, weights)
    raise TypeError(f"no clipping is known by the name {type(clipping).__name__}")


SMALLEST_WEIGHT_NORM = 1e-3
"""Lower limit of a unit's weight norm, so that zero weights can change."""


def _clip_by_unit(factor: float, gradients: Sequence[Tensor], weights: Sequence[Tensor]) -> Tensor:
    """Adaptive clipping: each unit's gradient norm is at most `factor` times the norm of its weights."""
    exceeded = []
    for gradient, weight in zip(gradients, weights, strict=True):
        limit = factor * _unit_norms(weight).clamp(min=SMALLEST_WEIGHT_NORM)
        scale = (limit / _unit_norms(gradient).clamp(min=1e-300)).clamp(max=1.0)
        gradient.mul_(scale.to(gradient.dtype))
        exceeded.append((scale < 1.0).any())
    return torch.stack(exceeded).any().to(torch.float64)


def _unit_norms(tensor: Tensor) -> Tensor:
    """L2 norm over all axes except the first (for a vector: over all), shaped for multiplication with the tensor."""
    axes = tuple(range(1, tensor.ndim)) if tensor.ndim > 1 else (0,)
    norms: Tensor = torch.linalg.vector_norm(tensor.detach(), dim=axes, keepdim=True, dtype=torch.float64)
    return norms
