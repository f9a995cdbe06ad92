"""The page of the system: its workers, the queue, what is stored, the limits and the versions."""

import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import get_args

from fastapi import Request
from fastapi.responses import HTMLResponse

from ..api.http.dependencies import TheService
from ..diagnosis import RULE_SETS
from ..kernel.amounts import bytes_in_words
from ..kernel.errors import ServiceUnavailable
from ..kernel.status import RunStatus
from ..store import MOST_COUNTED, Worker
from ..use_cases.limits import quota_of
from ..use_cases.service import Service
from .filters import number
from .rendering import page_router, render

router = page_router()

KEPT = {
    "raw": "All statistics of a run",
    "thinned": "Some steps of each",
    "summary": "Losses and other curves alone",
}
"""What is kept of the statistics of runs that have ended, as the page calls it."""


@router.get("/system")
def show(service: TheService, request: Request) -> HTMLResponse:
    """The state of the installation, and what the project has of its quota."""
    return render("system.html", view_of(service, version=request.app.version))


@dataclass(frozen=True, kw_only=True)
class SystemView:
    """What the page of the system shows."""

    workers: Sequence[Worker]
    depths: Mapping[str, int] | None
    """Messages that wait in each queue; None if it does not answer."""
    runs: Sequence[tuple[str, int]]
    """Number of the project's runs by status."""
    most_counted: int
    used: Sequence[tuple[str, str, str]]
    """What the project has stored, the amount, and the limit."""
    limits: Sequence[tuple[str, str]]
    versions: Sequence[tuple[str, str]]


def view_of(service: Service, *, version: str) -> SystemView:
    """The state of the system, as far as a user of the project may see it."""
    store, limits = service.store, service.limits
    usage, quota = store.usage(), quota_of(service.settings)
    return SystemView(
        workers=store.reconciliation.workers(seen_within_s=service.settings.lease_ttl_s),
        depths=_depths(service),
        runs=[(status, store.runs.total(status=status)) for status in get_args(RunStatus)],
        most_counted=MOST_COUNTED,
        used=[
            ("Runs that have not ended", number(usage.runs), _most(quota.runs)),
            ("Uploaded data sets", number(usage.datasets), _most(quota.datasets)),
            ("Their size", bytes_in_words(usage.dataset_bytes), _most(quota.dataset_bytes, size=True)),
            ("Statistics of runs", bytes_in_words(usage.statistics_bytes), _most(quota.statistics_bytes, size=True)),
            *(
                (f"{KEPT[each.retention]}, {number(each.runs)} runs", bytes_in_words(each.bytes), "")
                for each in store.kept()
            ),
        ],
        limits=[
            ("Parameters of a model", number(limits.parameters)),
            ("Steps of a run", number(limits.steps)),
            ("Memory of a run", bytes_in_words(limits.memory_bytes)),
            ("Stored statistics of a run", bytes_in_words(limits.stored_bytes)),
            ("Runs of a study", number(limits.runs_per_study)),
        ],
        versions=[
            ("gradclinic", version),
            ("Rules of diagnosis", ", ".join(RULE_SETS)),
            ("Python", platform.python_version()),
            ("Database", service.settings.database_url.partition(":")[0].partition("+")[0]),
        ],
    )


def _depths(service: Service) -> Mapping[str, int] | None:
    try:
        return service.queue.depths()
    except ServiceUnavailable:
        return None


def _most(limit: int, *, size: bool = False) -> str:
    if not limit:
        return "no limit"
    return bytes_in_words(limit) if size else number(limit)
