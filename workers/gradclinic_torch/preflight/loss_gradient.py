"""Finds the factor by which a program multiplied a loss before the backward pass, from the gradient of its value."""

import weakref
from collections import deque

import torch
from torch import Tensor

from ..model.graph import holds_all, number_of

MOST_VALUES = 64
"""Values between two backwards that are remembered."""


class LossGradient:
    """Sees the values that a loss module makes, and what comes back to each."""

    def __init__(self) -> None:
        self._seen: list[tuple[weakref.ref[Tensor], list[Tensor]]] = []
        self._differentiated: deque[int] = deque(maxlen=MOST_VALUES)
        """Numbers, in the autograd graph, of the values that a backward came to since the last step or told loss.

        Not of a backward that makes a graph itself: its gradients are part of a loss, as those of MAML's inner steps.
        """

    def saw(self, value: Tensor) -> None:
        """A loss module has returned this value."""
        if value.numel() != 1 or not value.requires_grad:
            return
        came: list[Tensor] = []
        number = number_of(value.grad_fn)  # the node itself would hold its graph in memory

        def take(gradient: Tensor) -> None:
            came.append(gradient.detach())
            if number is not None and not torch.is_grad_enabled():
                self._differentiated.append(number)

        value.register_hook(take)  # type: ignore[no-untyped-call]
        self._seen = [(known, gradients) for known, gradients in self._seen if known() is not None]
        self._seen.append((weakref.ref(value), came))

    def step_done(self) -> None:
        """The optimizer has taken a step: what its program did not tell of is its own all the same."""
        self._differentiated.clear()

    def of(self, loss: Tensor | float) -> Tensor | None:
        """What came back to this value in its last backward, a scalar; None where it is not one of the values."""
        for known, gradients in self._seen:
            if known() is loss and isinstance(loss, torch.Tensor) and gradients:
                return gradients[-1].reshape(())
        return None

    def serves_others(self, loss: Tensor | float) -> bool:
        """Whether since the last step or call a backward came to a value that is no part of this loss.

        So it is where two networks share a loss module, as in a GAN. False where the loss has no graph.
        """
        numbers = set(self._differentiated)
        self._differentiated.clear()
        root = loss.grad_fn if isinstance(loss, torch.Tensor) else None
        return root is not None and not holds_all(root, numbers)
