"""Lets few threads at a time do what is costly."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from .errors import ServiceUnavailable


class Turns:
    """`at_once` threads have a turn, `waiting` others wait for one, for at most `wait_s` seconds.

    The server's threads are few: those that wait here are left to no other request.
    """

    def __init__(self, *, at_once: int, waiting: int, wait_s: float, busy: str) -> None:
        """`busy` tells whoever gets no turn why."""
        self.wait_s = wait_s
        self._busy = busy
        self._places = threading.BoundedSemaphore(at_once + waiting)
        self._turns = threading.BoundedSemaphore(at_once)

    @property
    def has_room(self) -> bool:
        """Whether one more could wait."""
        if not self._places.acquire(blocking=False):
            return False
        self._places.release()
        return True

    @contextmanager
    def one(self) -> Iterator[None]:
        """A turn while the block runs. Raises ServiceUnavailable if too many wait, or this one waits too long."""
        if not self._places.acquire(blocking=False):
            raise ServiceUnavailable(self._busy)
        try:
            if not self._turns.acquire(timeout=self.wait_s):
                raise ServiceUnavailable(self._busy)
            try:
                yield
            finally:
                self._turns.release()
        finally:
            self._places.release()
