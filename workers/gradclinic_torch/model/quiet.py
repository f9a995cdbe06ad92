"""Keeps hooks out of the recorder's own computations and of copies, and their errors out of the training."""

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
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


class Hook:
    """A hook that stays behind when its module is copied, saved, or sent to another process.

    Its place is taken by a function of Python's own that does nothing, so loading the module needs no recorder.
    """

    def __init__(self, hook: Callable[..., Any]) -> None:
        self.hook = hook

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[object, str]]:
        return getattr, (nullcontext(), "__exit__")


class Harmless(Hook):
    """The same hook, whose errors are logged and end neither the training nor the recording."""

    def __call__(self, *args: Any) -> None:
        try:
            self.hook(*args)
        except Exception:  # whatever it is, the training goes on
            log.debug("a hook of the recorder failed", exc_info=True)
