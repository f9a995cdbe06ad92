"""Keeps hooks from observing what the recorder itself computes with the model, and their errors from the training."""

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch

log = logging.getLogger("gradclinic.recording")

_now = threading.local()


@contextmanager
def unobserved() -> Iterator[None]:
    """Within the block, on this thread, no hook of a recording sees the model's calls."""
    before = getattr(_now, "quiet", False)
    _now.quiet = True
    try:
        yield
    finally:
        _now.quiet = before


def observing(hook: Callable[..., Any]) -> Callable[..., Any]:
    """The same hook, which does nothing in an unobserved block, or within a transform of `torch.func`.

    What passes there (`grad`, `vmap`) stands for other tensors, and has no numbers of its own.
    """

    def call(*args: Any) -> Any:
        return None if getattr(_now, "quiet", False) or is_transformed() else hook(*args)

    return call


def is_transformed() -> bool:
    """Whether a transform of `torch.func` is at work on this thread."""
    return torch._C._functorch.peek_interpreter_stack() is not None


def harmless(hook: Callable[..., None]) -> Callable[..., None]:
    """The same hook, whose errors are logged and end neither the training nor the recording."""

    def call(*args: Any) -> None:
        try:
            hook(*args)
        except Exception:  # whatever it is, the training goes on
            log.debug("a hook of the recorder failed", exc_info=True)

    return call
