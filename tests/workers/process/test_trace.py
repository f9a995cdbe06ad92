"""Spans of workers, with OpenTelemetry's exporter in memory."""

from collections.abc import Iterator
from dataclasses import replace

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind

from gradclinic.settings import Settings
from gradclinic.store import Lease, Reason, Store
from gradclinic.use_cases.trace import traceparent
from gradclinic_workers.process.held_run import HeldRun
from gradclinic_workers.process.trace import start_export

from ...service.store.records import new_run

CALM = Settings(lease_ttl_s=30, heartbeat_s=10, cancel_poll_s=10)
DONE = Reason("trained", "trained to its end")


@pytest.fixture
def provider(monkeypatch: pytest.MonkeyPatch) -> TracerProvider:
    made = TracerProvider()
    monkeypatch.setattr(trace, "get_tracer", made.get_tracer)
    return made


@pytest.fixture
def exported(provider: TracerProvider) -> Iterator[InMemorySpanExporter]:
    exporter = InMemorySpanExporter()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    yield exporter
    provider.shutdown()


def claimed(store: Store, run_id: str) -> Lease:
    lease = store.leases.claim(run_id, owner="vm/1/1", ttl_s=30)
    assert lease is not None
    return lease


def test_the_attempts_at_a_run_are_spans_below_that_of_its_request(
    store: Store, provider: TracerProvider, exported: InMemorySpanExporter
) -> None:
    with provider.get_tracer("api").start_as_current_span("POST /v1/runs") as request:
        new = replace(new_run(), traceparent=traceparent(), request_id="made-by-me")
    run_id = store.runs.create(new).item.id
    with HeldRun(store, claimed(store, run_id), CALM) as held:
        held.release(reason=Reason("drained", "its worker was asked to stop"))
    with HeldRun(store, claimed(store, run_id), CALM, lanes=3) as held:
        held.finish(status="failed", reason=DONE)
    api, *attempts = exported.get_finished_spans()
    assert [span.name for span in attempts] == ["train run", "train run"]
    for number, (span, lanes, outcome) in enumerate(zip(attempts, (1, 3), ("released", "failed"), strict=True), 1):
        assert span.context.trace_id == api.context.trace_id == request.get_span_context().trace_id
        assert span.parent is not None
        assert (span.parent.span_id, span.kind) == (api.context.span_id, SpanKind.CONSUMER)
        assert dict(span.attributes or {}) == {
            "gradclinic.run_id": run_id, "gradclinic.request_id": "made-by-me", "gradclinic.attempt": number,
            "gradclinic.lanes": lanes, "gradclinic.outcome": outcome,
        }  # fmt: skip


def test_a_run_of_no_request_has_a_trace_of_its_own_and_a_lost_attempt_is_said_to_be(
    store: Store, exported: InMemorySpanExporter
) -> None:
    assert traceparent() is None
    with HeldRun(store, claimed(store, store.runs.create(new_run()).item.id), CALM):
        pass
    (span,) = exported.get_finished_spans()
    assert span.parent is None
    assert (span.attributes or {})["gradclinic.outcome"] == "lost"


def test_a_traceparent_that_is_none_starts_a_trace(store: Store, exported: InMemorySpanExporter) -> None:
    run_id = store.runs.create(replace(new_run(), traceparent="nonsense")).item.id
    with HeldRun(store, claimed(store, run_id), CALM) as held:
        held.finish(status="failed", reason=DONE)
    (span,) = exported.get_finished_spans()
    assert span.parent is None


def test_without_an_endpoint_nothing_is_exported(monkeypatch: pytest.MonkeyPatch) -> None:
    before = trace.get_tracer_provider()
    for name in ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"):
        monkeypatch.delenv(name, raising=False)
    start_export()
    assert trace.get_tracer_provider() is before
