"""Ctrl-C and SIGTERM end a block with KeyboardInterrupt, whatever it was doing.

    with interrupted_by_signals():
        ...                            # KeyboardInterrupt, from where the signal found it
        heed()                         # and here, if it was lost
        with deferred():
            ...                        # only where it is heeded, between two steps

A signal's handler may run inside a finalizer, or inside what a weak reference calls, of whatever library; Python prints
what is raised there, and drops it. So it is remembered as well, and raised again where somebody heeds it. A library
that is being imported may also make another error of it, which is not what became of the block.
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
    """Have an interruption wait until it is heeded, so that it cuts no step in two; a second one does not wait."""
    _deferring.set()
    try:
        yield
    finally:
        _deferring.clear()


def heed() -> None:
    """Raise KeyboardInterrupt where a signal asked for it and the block still goes on."""
    if _asked.is_set():
        raise KeyboardInterrupt
