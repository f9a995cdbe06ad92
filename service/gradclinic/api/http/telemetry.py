"""OpenTelemetry by FastAPI's own setting and the standard OTEL_ variables; without an endpoint there nothing is loaded.

FastAPI makes the spans and metrics of the requests; here each span learns which request, run, study it is about.
"""

from collections.abc import MutableMapping
from typing import Any

from fastapi.telemetry import TelemetryConfig
from opentelemetry import trace
from starlette.datastructures import Headers

UNTRACED = frozenset({"/livez", "/readyz", "/metrics"})
"""What machines ask every few seconds."""
_KINDS = {
    "runs": "run_id",
    "studies": "study_id",
    "prescriptions": "prescription_id",
    "checks": "check_id",
    "datasets": "dataset_id",
}


def telemetry() -> TelemetryConfig:
    """Export to where OTEL_EXPORTER_OTLP_ENDPOINT says; without the texts of exceptions, which may quote data."""
    return {"auto_configure": True, "logs": False, "exclude": _untraced}


def name_request(request_id: str) -> None:
    """Write down a request's id in its span, where it has one."""
    trace.get_current_span().set_attribute("gradclinic.request_id", request_id)


def name_subject(scope: MutableMapping[str, Any], headers: Headers) -> None:
    """Write down in a request's span what it is about: the ids in its path, and of what it created."""
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
