"""Keeps hooks from observing what the recorder itself computes with the model, and their errors from the training."""

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch

log = logging.getLogger("gradclinic.recording")


class Thread(threading.local):
    """What this thread does now."""

    is_unobserved = False
    """Whether no hook of a recording sees the model's calls."""


THREAD = Thread()


@contextmanager
def unobserved() -> Iterator[None]:
    """Within the block, on this thread, no hook of a recording sees the model's calls."""
    before, THREAD.is_unobserved = THREAD.is_unobserved, True
    try:
        yield
    finally:
        THREAD.is_unobserved = before


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
