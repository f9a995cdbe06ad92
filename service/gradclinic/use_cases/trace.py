"""The trace of the current request, which workers continue."""

from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator


def traceparent() -> str | None:
    """The current span as a `traceparent` (W3C Trace Context); None without traces."""
    carrier: dict[str, str] = {}
    TraceContextTextMapPropagator().inject(carrier)
    return carrier.get("traceparent")
