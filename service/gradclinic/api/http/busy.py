"""Refuses requests while many others already wait for a thread, so that no request waits without an end.

Routes, keys and forms use the server's 40 threads. A request that finds `MOST_WAITING` others before it is answered
503 with `Retry-After` at once.
"""

from anyio.to_thread import current_default_thread_limiter
from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from ...kernel.errors import ServiceUnavailable
from .problems import on_own_error
from .rate import UNLIMITED

MOST_WAITING = 100
"""Calls that wait for a thread. At 30 requests a second, which a small machine answers, they take 3 s."""


class Busy:
    """The middleware. Health checks and static files are always let in."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] == "http" and not scope["path"].startswith(UNLIMITED) and _waiting() >= MOST_WAITING:
            refused = ServiceUnavailable("too many requests wait for their turn; try again later")
            await on_own_error(Request(scope), refused)(scope, receive, send)
            return
        await self.app(scope, receive, send)


def _waiting() -> int:
    return current_default_thread_limiter().statistics().tasks_waiting
