"""OpenTelemetry, configured by the standard OTEL_ variables; without an endpoint nothing is loaded.

FastAPI creates the spans and metrics of requests. This module adds the request, run and study ids to each span.
"""

from collections.abc import MutableMapping
from typing import Any

from fastapi.telemetry import TelemetryConfig
from opentelemetry import trace
from starlette.datastructures import Headers

UNTRACED = frozenset({"/livez", "/readyz", "/metrics"})
"""Paths that monitoring requests every few seconds."""
_KINDS = {
    "runs": "run_id",
    "studies": "study_id",
    "prescriptions": "prescription_id",
    "checks": "check_id",
    "datasets": "dataset_id",
}


def telemetry() -> TelemetryConfig:
    """Export to OTEL_EXPORTER_OTLP_ENDPOINT, without the texts of exceptions, because they may contain user data."""
    return {"auto_configure": True, "logs": False, "exclude": _untraced}


def name_request(request_id: str) -> None:
    """Add the request id to the current span, if there is one."""
    trace.get_current_span().set_attribute("gradclinic.request_id", request_id)


def name_subject(scope: MutableMapping[str, Any], headers: Headers) -> None:
    """Add the ids in the request's path, and of what it created, to its span."""
    span = trace.get_current_span()
    if not span.is_recording():
        return
    found = {name: value for name, value in scope.get("path_params", {}).items() if name in _KINDS.values()}
    parts = headers.get("location", "").split("/")
    if len(parts) == 4 and parts[2] in _KINDS:  # /v1/runs/{id}
        found[_KINDS[parts[2]]] = parts[3]
    for name, value in found.items():
        span.set_attribute(f"gradclinic.{name}", str(value))


def _untraced(scope: MutableMapping[str, Any]) -> bool:
    return scope["path"] in UNTRACED
