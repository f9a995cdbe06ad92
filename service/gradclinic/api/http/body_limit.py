"""Limits the bodies of requests: the bytes of each, the time in which it arrives, and the bytes of all at once."""

from asyncio import wait_for
from collections import defaultdict
from collections.abc import Mapping
from http import HTTPStatus
from time import monotonic

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ...kernel.errors import ServiceUnavailable
from .problems import problem

BODY_PAUSE_S = 20.0
"""Maximum number of seconds between two parts of a request's body."""
BODY_S = 600.0
"""Maximum number of seconds for a complete request body."""
HELD_BYTES = 256 * 2**20
"""Maximum size of the bodies that are in memory at once: of data sets, and of all other requests."""


class BodyLimit:
    """Refuses bodies that are too large, by their declared length or while they are read, those that do not arrive in
    time, those of two lengths, and those that find the memory for bodies in use.
    """

    def __init__(self, app: ASGIApp, *, most_bytes: int, exceptions: Mapping[str, int]) -> None:
        self.app = app
        self.most_bytes = most_bytes
        self.exceptions = exceptions
        self.held: defaultdict[str, int] = defaultdict(int)
        """Bytes of the bodies in memory, by the path of an exception; those of all others at the empty path."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        most_bytes = self.exceptions.get(scope["path"], self.most_bytes)
        headers = Headers(scope=scope)
        if "content-length" in headers and "transfer-encoding" in headers:
            await _ambiguous(scope)(scope, receive, send)
            return
        length = headers.get("content-length", "")
        if length.isascii() and length.isdigit() and int(length[:20]) > most_bytes:
            response = problem(
                Request(scope),
                status=413,
                code="body_too_large",
                title=HTTPStatus(413).phrase,
                detail=f"The body has {int(length[:20]):,} bytes; at most {most_bytes:,} are accepted.",
            )
            await response(scope, receive, send)
            return
        among = scope["path"] if scope["path"] in self.exceptions else ""
        body = _Body(receive, most_bytes, held=self.held, among=among)
        try:
            await self.app(scope, body.receive, send)
        finally:
            self.held[body.among] -= body.got


def _ambiguous(scope: Scope) -> Response:
    """Refuses a body with two lengths, of which a proxy may take the other one (RFC 9112, section 6.3)."""
    response = problem(
        Request(scope),
        status=400,
        code="ambiguous_body",
        title=HTTPStatus(400).phrase,
        detail="The request has both Content-Length and Transfer-Encoding, and so two lengths; send one of them.",
    )
    response.headers["Connection"] = "close"
    return response


class _Body:
    """The body of one request."""

    def __init__(self, receive: Receive, most_bytes: int, *, held: defaultdict[str, int], among: str) -> None:
        self._receive, self._most_bytes, self._held, self.among = receive, most_bytes, held, among
        self.got = 0
        self._has_all, self._deadline = False, monotonic() + BODY_S

    async def receive(self) -> Message:
        """The next part."""
        if self._has_all:  # from here on, the only message is that the client has gone
            return await self._receive()
        try:
            message = await wait_for(self._receive(), max(0.0, min(BODY_PAUSE_S, self._deadline - monotonic())))
        except TimeoutError:
            detail = f"The body did not arrive in time; only {self.got:,} bytes were received."
            raise HTTPException(408, detail, {"Connection": "close"}) from None
        self._has_all = not message.get("more_body", False)
        self._count(len(message.get("body", b"")))
        return message

    def _count(self, more: int) -> None:
        self.got += more
        self._held[self.among] += more
        if self.got > self._most_bytes:
            raise HTTPException(413, f"The body is larger than the limit of {self._most_bytes:,} bytes.")
        if self._held[self.among] > max(HELD_BYTES, self._most_bytes):
            raise ServiceUnavailable("the bodies of other requests use the memory for them; try again later")
