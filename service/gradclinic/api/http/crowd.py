"""Limits polling: however many clients wait, the database is queried at a bounded rate."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

import anyio
from anyio.lowlevel import RunVar

from ...kernel.errors import ServiceUnavailable

POLLS_AT_ONCE = 4
"""Number of threads for polls. All other requests have the rest of the server's 40."""
_slots: RunVar[anyio.CapacityLimiter] = RunVar("slots")

Result = TypeVar("Result")


async def poll(look: Callable[[], Result]) -> Result:
    """Run a poll in one of the threads for polls."""
    try:
        slots = _slots.get()
    except LookupError:
        slots = anyio.CapacityLimiter(POLLS_AT_ONCE)
        _slots.set(slots)
    return await anyio.to_thread.run_sync(look, limiter=slots)


class Crowd:
    """Clients that poll for changes. The more there are, the longer each one waits between two polls."""

    def __init__(self, *, poll_s: float, polls_per_s: float, most: int) -> None:
        self.poll_s, self.polls_per_s, self.most = poll_s, polls_per_s, most
        self.count = 0
        """Number of waiting clients."""

    @property
    def pause_s(self) -> float:
        """Seconds between two polls of one client."""
        return max(self.poll_s, self.count / self.polls_per_s)

    @property
    def is_full(self) -> bool:
        """Whether no more clients can wait."""
        return self.count >= self.most

    def check(self) -> None:
        """Raises ServiceUnavailable if it is full."""
        if self.is_full:
            raise ServiceUnavailable(f"{self.most} clients already follow events; try again later")

    @contextmanager
    def joined(self) -> Iterator[None]:
        """Count one more waiting client while the block runs."""
        self.count += 1
        try:
            yield
        finally:
            self.count -= 1
