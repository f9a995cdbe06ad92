"""Whether a loss of the program's own compares the samples of a batch with each other, as a contrastive loss does."""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from ..model.generator import kept_generators
from .own_loss import are_equal, copied_loss

MOST = 4
"""Samples up to which it is looked at: more are enough to be compared, whatever the loss is."""
_SAME_WAY = 0.99
"""Cosine of two gradients up to which they point in different ways. A mean over the batch, or a root of one, changes
the length of a sample's gradient only."""


def compared_samples(criterion: nn.Module, outputs: Tensor, targets: Tensor, value: Tensor) -> int:
    """The number of samples that it compares, which come without targets; 0 if it compares none, or has many."""
    if not 2 <= len(outputs) <= MOST or len(targets) != len(outputs) or not outputs.is_floating_point():
        return 0
    loss = copied_loss(criterion, outputs, targets, known=value)
    if loss is None:
        return 0
    others = outputs.detach().clone()
    others[1:] = others[1:].roll(1, dims=-1)
    try:
        with kept_generators(outputs.device), torch.enable_grad():
            used = not all(are_equal(loss(outputs.detach(), each).double(), value) for each in _others(targets))
            before, after = (_of_first(loss, each, targets) for each in (outputs.detach(), others))
    except Exception:  # noqa: BLE001  # a loss may raise anything
        return 0
    return len(outputs) if not used and float(torch.cosine_similarity(before, after, dim=0)) < _SAME_WAY else 0


def _others(targets: Tensor) -> tuple[Tensor, Tensor]:
    """Other targets, of which a loss without any takes no notice."""
    return torch.zeros_like(targets), torch.ones_like(targets)


def _of_first(loss: Callable[[Tensor, Tensor], Tensor], outputs: Tensor, targets: Tensor) -> Tensor:
    """The gradient with respect to the outputs for the first sample, flat."""
    free = outputs.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(loss(free, targets).reshape(()), [free])
    return gradient[0].flatten()
