"""HEAD requests: the same response as GET, without the body."""

from contextlib import suppress

from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send


class _EndedAtHead(OSError):
    """Ends a stream as if the client had disconnected."""


class HeadAsGet:
    """Answers HEAD requests with the status and headers of GET; streams end before their first chunk."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http" or scope["method"] != "HEAD":
            await self.app(scope, receive, send)
            return

        async def send_head(message: Message) -> None:
            if message["type"] == "http.response.start":
                await send(message)
                await send({"type": "http.response.body", "body": b"", "more_body": False})
            elif message.get("more_body"):
                raise _EndedAtHead

        with suppress(ClientDisconnect, _EndedAtHead):
            await self.app({**scope, "method": "GET"}, receive, send_head)
