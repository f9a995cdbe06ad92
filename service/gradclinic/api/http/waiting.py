"""`Prefer: wait=N` (RFC 7240): how long a client waits for the result."""

import re
from collections.abc import Awaitable, Callable
from time import monotonic
from typing import Annotated

import anyio
from fastapi import Header

from .crowd import Crowd, poll

LONGEST_S = 60
_waiting = Crowd(poll_s=0.1, polls_per_s=50, most=1000)

Prefer = Annotated[
    str | None,
    Header(description="`wait=N`: respond when the run has ended, but at the latest after N seconds (at most 60)."),
]


def seconds_to_wait(prefer: str | None) -> int:
    """The N of `wait=N`, at most 60; 0 without it. Unknown preferences are ignored, as the RFC requires."""
    found = re.search(r"(?:^|[,;\s])wait\s*=\s*\"?(\d{1,9})", prefer or "", re.IGNORECASE)
    return min(int(found[1]), LONGEST_S) if found else 0


async def until(ended: Callable[[], bool], *, seconds: float, gone: Callable[[], Awaitable[bool]]) -> None:
    """Return when `ended()` is true, after `seconds`, or when the client is `gone()`. No thread is blocked.

    Returns at once if too many clients wait already.
    """
    if _waiting.is_full:
        return
    deadline = monotonic() + seconds
    with _waiting.joined():
        while monotonic() < deadline and not await poll(ended) and not await gone():
            await anyio.sleep(_waiting.pause_s)
