"""Keeps the recorder's own hooks from observing what the recorder itself computes with the model."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

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
    """The same hook, which does nothing in an unobserved block."""

    def call(*args: Any) -> Any:
        return None if getattr(_now, "quiet", False) else hook(*args)

    return call
