"""What comes back to the value of a loss: what a program multiplied it by before its backward."""

import weakref

import torch
from torch import Tensor


class LossGradient:
    """Sees the values that a loss module makes, and what comes back to each."""

    def __init__(self) -> None:
        self._seen: list[tuple[weakref.ref[Tensor], list[Tensor]]] = []

    def saw(self, value: Tensor) -> None:
        """A loss module has made this value."""
        if value.numel() != 1 or not value.requires_grad:
            return
        came: list[Tensor] = []
        value.register_hook(lambda gradient: came.append(gradient.detach()))  # type: ignore[no-untyped-call]
        self._seen = [(known, gradients) for known, gradients in self._seen if known() is not None]
        self._seen.append((weakref.ref(value), came))

    def of(self, loss: Tensor | float) -> Tensor | None:
        """What came back to this value in its last backward, a scalar; None where it is not one of the values."""
        for known, gradients in self._seen:
            if known() is loss and isinstance(loss, torch.Tensor) and gradients:
                return gradients[-1].reshape(())
        return None
