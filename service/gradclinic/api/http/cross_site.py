"""Refuses requests that a page of another site makes a browser send, and disables content-type sniffing."""

from collections.abc import Collection

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from .problems import problem

SAFE_METHODS = ("GET", "HEAD", "OPTIONS")
"""Methods that change nothing (RFC 9110, section 9.2.1)."""


class SameSite:
    """Refuses unsafe methods whose `Origin` is neither the service's own nor allowed; adds `nosniff` to answers.

    Programs send neither `Origin` nor `Sec-Fetch-Site`, and are not affected.
    """

    def __init__(self, app: ASGIApp, *, allowed_origins: Collection[str]) -> None:
        self.app = app
        self.allowed_origins = allowed_origins

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def send_nosniff(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message)["X-Content-Type-Options"] = "nosniff"
            await send(message)

        headers = Headers(scope=scope)
        if scope["method"] in SAFE_METHODS or _is_allowed(headers, self.allowed_origins):
            await self.app(scope, receive, send_nosniff)
            return
        origin = headers.get("origin", "another site")[:200]
        response = problem(
            Request(scope),
            status=403,
            code="cross_site_request",
            title="Cross-site request",
            detail=f"A page of {origin} may not send {scope['method']} requests to this service. "
            "List its origin in GRADCLINIC_CORS_ORIGINS to allow it.",
        )
        await response(scope, receive, send_nosniff)


def _is_allowed(headers: Headers, allowed_origins: Collection[str]) -> bool:
    """Whether the request comes from a program, from the service's own pages, or from an allowed origin."""
    origin = headers.get("origin")
    if "*" in allowed_origins or (origin is not None and origin in allowed_origins):
        return True
    if origin is not None and origin.partition("://")[2] != headers.get("host"):
        return False
    return headers.get("sec-fetch-site", "none") in ("none", "same-origin")
