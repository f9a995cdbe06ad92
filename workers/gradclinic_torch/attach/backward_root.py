"""Where backward passes begin: for a loss that neither a module nor the model returns, such as a function's.

All of them begin in `torch.autograd.backward`, which `loss.backward()` and frameworks call. While somebody listens, a
function in its place tells of each tensor first, and then calls the original.
"""

from collections.abc import Callable, Sequence
from functools import wraps
from itertools import count
from typing import Any

import torch
from torch import Tensor

from ..model.quiet import THREAD
from .closure import is_within_backward

Hear = Callable[[Tensor], None]

_listeners: dict[int, Hear] = {}
_keys = count()
_replaced: list[tuple[Callable[..., Any], Callable[..., Any]]] = []
"""The original, and what is in its place; empty while nobody listens."""


class BackwardRoots:
    """Tells of each scalar that a backward pass begins with, before it does."""

    def __init__(self, hear: Hear) -> None:
        self._key = next(_keys)
        _listeners[self._key] = hear
        if not _replaced:
            original = torch.autograd.backward
            _replaced.append((original, _telling(original)))
            _put(_replaced[0][1])

    def remove(self) -> None:
        """Listen no more; the last one puts the original back, unless somebody else has replaced it since."""
        _listeners.pop(self._key, None)
        if _replaced and not _listeners and torch.autograd.backward is _replaced[0][1]:
            _put(_replaced.pop()[0])


def _put(backward: Callable[..., Any]) -> None:
    setattr(torch.autograd, "backward", backward)  # noqa: B010  # torch declares it as a constant


def _telling(original: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(original)
    def backward(tensors: Any, *args: Any, **kwargs: Any) -> Any:
        if not THREAD.is_unobserved and not is_within_backward():
            for each in _scalars(tensors):
                for hear in tuple(_listeners.values()):
                    hear(each)
        return original(tensors, *args, **kwargs)

    disabled: Callable[..., Any] = torch.compiler.disable(backward)  # type: ignore[no-untyped-call]  # torch's own
    return disabled


def _scalars(tensors: Any) -> list[Tensor]:
    among = tensors if isinstance(tensors, Sequence) else (tensors,)
    return [each for each in among if isinstance(each, Tensor) and each.numel() == 1 and each.grad_fn is not None]


def constant_factor(value: Tensor) -> float:
    """What a scalar was multiplied by last, if that was a constant tensor, as a scaler's scale is; otherwise 1."""
    node = value.grad_fn
    other = getattr(node, "_saved_other", None) if type(node).__name__ == "MulBackward0" else None
    if not isinstance(other, Tensor) or other.requires_grad or other.numel() != 1:
        return 1.0
    return float(other)
