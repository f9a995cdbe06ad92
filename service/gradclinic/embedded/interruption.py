"""Ctrl-C and SIGTERM end a block with KeyboardInterrupt, even if the first exception is lost.

    with interrupted_by_signals():
        ...                            # KeyboardInterrupt, from where the signal found it
        heed()                         # and here, if it was lost
        with deferred():
            ...                        # only where it is heeded, between two steps

A signal handler may run inside a finalizer or a weak-reference callback of any library. Python prints exceptions raised
there and drops them. So the interruption is also remembered, and `heed` raises it again. A library that is being
imported may also turn it into another error.
"""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

_asked, _deferring = threading.Event(), threading.Event()


@contextmanager
def interrupted_by_signals() -> Iterator[None]:
    """End the block at Ctrl-C and at SIGTERM; for the main thread."""

    def interrupt(_number: int, _frame: FrameType | None) -> None:
        impatient = _asked.is_set()
        _asked.set()
        if impatient or not _deferring.is_set():
            raise KeyboardInterrupt

    before = {number: signal.signal(number, interrupt) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    except Exception as error:
        if _asked.is_set():
            raise KeyboardInterrupt from error
        raise
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        _asked.clear()


@contextmanager
def deferred() -> Iterator[None]:
    """Delay an interruption until `heed`, so that it does not split a step; a second one is not delayed."""
    _deferring.set()
    try:
        yield
    finally:
        _deferring.clear()


def heed() -> None:
    """Raise KeyboardInterrupt if a signal arrived and the block is still running."""
    if _asked.is_set():
        raise KeyboardInterrupt
