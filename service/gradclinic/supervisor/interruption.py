"""Ctrl-C and SIGTERM end a block with KeyboardInterrupt, whatever it was doing.

    with interrupted_by_signals():
        ...                            # KeyboardInterrupt, from where the signal found it
        heed()                         # and here, if it was lost

A signal's handler may run inside a finalizer, or inside what a weak reference calls, of whatever library; Python prints
what is raised there, and drops it. So it is remembered as well, and raised again where somebody heeds it.
"""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

_asked = threading.Event()


@contextmanager
def interrupted_by_signals() -> Iterator[None]:
    """End the block at Ctrl-C and at SIGTERM; for the main thread."""

    def interrupt(_number: int, _frame: FrameType | None) -> None:
        _asked.set()
        raise KeyboardInterrupt

    before = {number: signal.signal(number, interrupt) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        _asked.clear()


def heed() -> None:
    """Raise KeyboardInterrupt where a signal asked for it and the block still goes on."""
    if _asked.is_set():
        raise KeyboardInterrupt
