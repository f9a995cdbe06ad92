"""Request durations of this process, for Prometheus."""

import time

from prometheus_client import CollectorRegistry, Histogram
from starlette.types import ASGIApp, Message, Receive, Scope, Send

METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


class RequestTimes:
    """Observes the time until each response starts, so the length of event streams does not count."""

    def __init__(self, app: ASGIApp, *, registry: CollectorRegistry) -> None:
        self.app = app
        self._seconds = Histogram(
            "gradclinic_http_request_seconds",
            "Seconds until the response started, by route template.",
            ("route", "method", "status"),
            registry=registry,
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        began, observed = time.perf_counter(), False

        def observe(status: int) -> None:
            nonlocal observed
            observed = True
            route = getattr(scope.get("route"), "path", None) or "none"
            method = scope["method"] if scope["method"] in METHODS else "other"
            self._seconds.labels(route, method, str(status)).observe(time.perf_counter() - began)

        async def send_observed(message: Message) -> None:
            if message["type"] == "http.response.start":
                observe(message["status"])
            await send(message)

        try:
            await self.app(scope, receive, send_observed)
        except Exception:
            if not observed:
                observe(500)
            raise
