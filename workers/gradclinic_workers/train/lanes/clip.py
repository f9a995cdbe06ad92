"""Clips the stacked gradients of all lanes, each lane as it declares."""

from collections.abc import Sequence
from math import inf

import torch
from torch import Tensor

from gradclinic.experiments.clipping import Clipping
from gradclinic.experiments.clipping.adaptive import AdaptiveClipping
from gradclinic.experiments.clipping.norm import NormClipping
from gradclinic.experiments.clipping.value import ValueClipping

from ..clip import SMALLEST_WEIGHT_NORM
from .chosen import Chosen
from .parameters import LaneParameters


class LaneClipping:
    """The clipping of each lane. A limit that a lane does not have is infinite, and leaves its gradients unchanged."""

    def __init__(self, declared: Sequence[Clipping | None]) -> None:
        self.clips = Chosen([place for place, each in enumerate(declared) if each is not None], lanes=len(declared))
        """The lanes that clip."""
        self._max_norm = _limits([each.max_norm if isinstance(each, NormClipping) else inf for each in declared])
        self._max_value = _limits([each.max_value if isinstance(each, ValueClipping) else inf for each in declared])
        self._factor = _limits([each.factor if isinstance(each, AdaptiveClipping) else inf for each in declared])

    def clip(self, parameters: LaneParameters, totals: Tensor) -> Tensor | None:
        """Clip in place; [lanes] float64, whether anything changed (1 or 0), or None if no lane clips.

        `totals` is [lanes], the L2 norm over all gradients of a lane.
        """
        if not self.clips:
            return None
        changed, rows = torch.zeros_like(totals, dtype=torch.bool), parameters.gradient_rows
        if self._max_norm is not None:
            changed |= _clip_norms(self._max_norm, rows, totals)
        if self._max_value is not None:
            changed |= _clip_values(self._max_value, rows)
        if self._factor is not None:
            weights = [parameter.value for parameter in parameters.trained]
            changed |= _clip_units(self._factor, parameters.gradients, weights)
        return changed.to(torch.float64)


def _limits(limits: Sequence[float]) -> Tensor | None:
    """[lanes] float64; None if no lane has one."""
    return None if all(limit == inf for limit in limits) else torch.tensor(limits, dtype=torch.float64)


def _clip_norms(max_norm: Tensor, gradients: Sequence[Tensor], totals: Tensor) -> Tensor:
    factor = torch.clamp(max_norm / (totals + 1e-12), max=1.0)
    for gradient in gradients:
        gradient.mul_(_shaped(factor, gradient))
    return factor < 1.0


def _clip_values(max_value: Tensor, gradients: Sequence[Tensor]) -> Tensor:
    largest = torch.stack([gradient.flatten(1).abs().amax(1) for gradient in gradients]).amax(0)
    for gradient in gradients:
        limit = _shaped(max_value, gradient)
        gradient.clamp_(min=-limit, max=limit)
    return largest > max_value


def _clip_units(factor: Tensor, gradients: Sequence[Tensor], weights: Sequence[Tensor]) -> Tensor:
    """Adaptive clipping: each unit's gradient norm is at most `factor` times the norm of its weights."""
    exceeded = []
    for gradient, weight in zip(gradients, weights, strict=True):
        limit = factor.view(-1, *(1 for _ in weight.shape[1:])) * _unit_norms(weight).clamp(min=SMALLEST_WEIGHT_NORM)
        scale = (limit / _unit_norms(gradient).clamp(min=1e-300)).clamp(max=1.0)
        gradient.mul_(scale.to(gradient.dtype))
        exceeded.append((scale < 1.0).flatten(1).any(1))
    return torch.stack(exceeded).any(0)


def _unit_norms(stacked: Tensor) -> Tensor:
    """L2 norm over all axes but the lanes and the units (of [lanes, entries]: over the entries), with axes kept."""
    axes = tuple(range(2, stacked.ndim)) if stacked.ndim > 2 else (1,)
    norms: Tensor = torch.linalg.vector_norm(stacked.detach(), dim=axes, keepdim=True, dtype=torch.float64)
    return norms


def _shaped(per_lane: Tensor, like: Tensor) -> Tensor:
    return per_lane.to(like.dtype).view(-1, *(1 for _ in like.shape[1:]))
