"""A span for each attempt at a run, below that of the request that submitted the run.

Spans are exported by the standard OTEL_ variables; without an endpoint, nothing is loaded and nothing is kept.
"""

import os
from importlib.util import find_spec
from typing import Any

from opentelemetry import trace
from opentelemetry.trace import SpanKind
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from gradclinic.store import Lease

NAME = "train run"
_ENDPOINTS = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")


class AttemptSpan:
    """The span of an attempt, from its claim until it is ended once."""

    def __init__(self, lease: Lease, *, lanes: int) -> None:
        run = lease.run
        facts = {"run_id": run.id, "study_id": run.study_id, "request_id": run.request_id}
        parent = TraceContextTextMapPropagator().extract({"traceparent": run.traceparent or ""})
        self._span = trace.get_tracer("gradclinic.workers").start_span(
            NAME,
            context=parent,
            kind=SpanKind.CONSUMER,
            attributes={
                **{f"gradclinic.{name}": value for name, value in facts.items() if value is not None},
                "gradclinic.attempt": lease.attempt,
                "gradclinic.lanes": lanes,
            },
        )

    def end(self, outcome: str) -> None:
        """End it with the status of the run, or with what became of the attempt; only the first call counts."""
        if self._span.is_recording():
            self._span.set_attribute("gradclinic.outcome", outcome)
            self._span.end()


def start_export() -> None:
    """Send the spans of this process to the collector that the environment names, if it names one."""
    if not any(map(os.environ.get, _ENDPOINTS)) or find_spec("opentelemetry.sdk") is None:
        return
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    os.environ.setdefault("OTEL_SERVICE_NAME", "gradclinic-worker")
    provider = TracerProvider(resource=Resource.create())
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    trace.set_tracer_provider(provider)


def stop_export() -> None:
    """Send what has not been sent."""
    provider: Any = trace.get_tracer_provider()
    if hasattr(provider, "shutdown"):
        provider.shutdown()
