"""`/metrics`: Prometheus metrics of the whole installation.

Counts of stored runs are gauges, not counters, because deleting runs lowers them.
"""

from collections.abc import Iterator, Mapping
from typing import Any, cast

from fastapi import APIRouter, Request, Response
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from prometheus_client.registry import Collector

from ..kernel.errors import ServiceUnavailable
from ..store import Vitals
from ..use_cases.service import Service

LOST = ("lease_expired", "worker_died", "too_many_attempts")
"""Reasons for which an attempt lost its lease."""

router = APIRouter()


@router.get("/metrics", include_in_schema=False)
def metrics(request: Request) -> Response:
    """Always 200. If a component is unavailable, its metrics are left out and `gradclinic_up` is 0."""
    registry = cast(CollectorRegistry, request.app.state.metrics)
    return Response(generate_latest(registry), media_type=CONTENT_TYPE_PLAIN_0_0_4)


def registry_of(service: Service) -> CollectorRegistry:
    """The metrics of one application."""
    registry = CollectorRegistry()
    registry.register(Installation(service.everywhere()))
    return registry


class Installation(Collector):
    """Metrics from the store and the queue, collected at each scrape."""

    def __init__(self, service: Service) -> None:
        self._service = service

    def collect(self) -> Iterator[Metric]:
        """All metric families that are available."""
        vitals, depths = self._vitals(), self._depths()
        yield _gauge(
            "up",
            "Whether a component is available (for the database: with the newest schema).",
            ("part",),
            {("database",): float(vitals is not None), ("queue",): float(depths is not None)},
        )
        if depths is not None:
            values = {(queue,): float(depth) for queue, depth in depths.items()}
            yield _gauge("queue_messages", "Messages waiting for a worker.", ("queue",), values)
        if vitals is not None:
            yield from _families(vitals)

    def _vitals(self) -> Vitals | None:
        store = self._service.store
        try:
            return store.vitals(seen_within_s=self._service.settings.lease_ttl_s) if store.is_current() else None
        except ServiceUnavailable:
            return None

    def _depths(self) -> dict[str, int] | None:
        try:
            return dict(self._service.queue.depths())
        except ServiceUnavailable:
            return None


def _families(vitals: Vitals) -> Iterator[Metric]:
    oldest = {(queue,): float(seconds) for queue, seconds in vitals.oldest_queued_s.items()}
    yield _gauge("oldest_queued_seconds", "Age of the oldest queued run.", ("queue",), oldest)
    overdue = "Running runs with an expired lease; if the number does not fall, no reconciler is running."
    yield _gauge("leases_overdue", overdue, (), {(): vitals.overdue})
    yield _gauge("runs", "Stored runs.", ("status", "reason"), vitals.runs)
    changes = "Status changes of the stored runs."
    yield _gauge("run_transitions", changes, ("status", "reason"), vitals.transitions)
    lost = sum(count for (_, reason), count in vitals.transitions.items() if reason in LOST)
    yield _gauge("leases_lost", "Attempts of the stored runs that lost their worker.", (), {(): lost})
    workers = {(device,): count for device, count in vitals.workers.items()}
    yield _gauge("workers", "Workers that were seen recently.", ("device",), workers)
    yield _gauge("workers_busy", "Workers that are training.", (), {(): vitals.busy_workers})
    yield _gauge("checks", "Stored checks against a baseline.", ("status", "verdict"), vitals.checks)
    yield _gauge("alerts_waiting", "Alerts that wait to be delivered to a webhook.", (), {(): vitals.alerts_waiting})
    yield _gauge("alerts_lost", "Alerts that were given up in the last 24 hours.", (), {(): vitals.alerts_lost})
    yield _gauge(
        "steps", "Steps of the stored runs; the rate of change is the training speed.", (), {(): vitals.steps_done}
    )


def _gauge(name: str, text: str, labels: tuple[str, ...], values: Mapping[Any, float]) -> Metric:
    family = GaugeMetricFamily(f"gradclinic_{name}", text, labels=labels)
    for key, value in values.items():
        family.add_metric(key, value)
    return family
