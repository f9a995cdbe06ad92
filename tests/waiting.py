"""Waiting for what another thread or process does, without guessing how long it takes."""

import time
from collections.abc import Callable
from typing import TypeVar

Value = TypeVar("Value")


def eventually(look: Callable[[], Value], *, within_s: float = 60.0, every_s: float = 0.02) -> Value:
    """The first true value that `look` finds; fails when it finds none in time."""
    deadline = time.monotonic() + within_s
    while not (found := look()):
        if time.monotonic() > deadline:
            raise AssertionError("what was waited for did not happen")
        time.sleep(every_s)
    return found
