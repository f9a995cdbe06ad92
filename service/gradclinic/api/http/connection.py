"""Closes connections whose requests do not arrive, and sends answers immediately.

uvicorn itself limits only the time between two requests.
"""

import asyncio
import resource
import socket
from contextlib import suppress

from uvicorn.protocols.http.h11_impl import H11Protocol

CONNECTIONS = 65_536
HEAD_S = 20.0
"""Seconds in which the head of a request must arrive, from the connection or from its first byte on."""


def allow_many_connections() -> None:
    """Let this process have `CONNECTIONS` files open, or as many as the system allows: each connection is one.

    The usual limit of 1,024 is reached by so many requests whose heads never arrive; then nobody is let in.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = CONNECTIONS if hard == resource.RLIM_INFINITY else min(CONNECTIONS, hard)
    if soft != resource.RLIM_INFINITY and soft < most:
        with suppress(ValueError, OSError):  # macOS has another limit, which it does not tell
            resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))


class ImpatientProtocol(H11Protocol):
    """An HTTP/1.1 protocol that closes a connection if the head of a request does not arrive in time."""

    _late: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # uvicorn's signature
        """Start waiting for the first request."""
        super().connection_made(transport)
        send_at_once(transport)
        self._wait()

    def data_received(self, data: bytes) -> None:
        """Stop waiting if this completes the head of a request; wait for the rest of one that has begun."""
        super().data_received(data)
        is_answering = self.cycle is not None and not self.cycle.response_complete
        if is_answering:
            self._stop_waiting()
        elif self._late is None:
            self._wait()

    def on_response_complete(self) -> None:
        """From here on, the keep-alive timeout applies until the next request starts."""
        self._stop_waiting()
        super().on_response_complete()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop waiting."""
        self._stop_waiting()
        super().connection_lost(exc)

    def _wait(self) -> None:
        self._late = self.loop.call_later(HEAD_S, self._close)

    def _stop_waiting(self) -> None:
        if self._late is not None:
            self._late.cancel()
            self._late = None

    def _close(self) -> None:
        self._late = None
        if not self.transport.is_closing():
            self.transport.close()


def send_at_once(transport: asyncio.BaseTransport) -> None:
    """Turn Nagle's algorithm off, which holds the body of a small answer back until its head is acknowledged: 40 ms.

    asyncio does so itself, but not on the sockets of `uvicorn --fd`, which takes every descriptor for a local one.
    """
    connection = transport.get_extra_info("socket")
    if connection is not None:
        with suppress(OSError):  # a local socket has no such algorithm
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
