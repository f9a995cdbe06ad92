"""Request ids: in the response, in log lines, in the trace span, and in runs that the request creates."""

import re
import time
from uuid import uuid4

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from .telemetry import name_request, name_subject

log = structlog.get_logger(__name__)

_ACCEPTABLE = re.compile(r"^[A-Za-z0-9._-]{1,64}$")


class RequestLog:
    """Uses the client's `X-Request-ID` or creates one, and logs each request with its status and duration."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        asked = Headers(scope=scope).get("x-request-id", "")
        request_id = asked if _ACCEPTABLE.match(asked) else uuid4().hex
        scope.setdefault("state", {})["request_id"] = request_id
        name_request(request_id)
        began, status = time.perf_counter(), 500

        async def send_with_id(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = MutableHeaders(scope=message)
                headers["X-Request-ID"] = request_id
                name_subject(scope, headers)
            await send(message)

        with structlog.contextvars.bound_contextvars(request_id=request_id):
            try:
                await self.app(scope, receive, send_with_id)
            finally:
                key_id = scope["state"].get("key_id")
                log.debug(
                    "request",
                    **({} if key_id is None else {"key": key_id}),
                    method=scope["method"],
                    path=scope["path"],
                    status=status,
                    duration_s=round(time.perf_counter() - began, 4),
                )
