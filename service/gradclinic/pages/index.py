"""The home page: what runs, what needs attention, and what is new; examples as long as there is nothing."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone

from fastapi import Request
from fastapi.responses import HTMLResponse

from ..api.http.dependencies import TheService
from ..diagnosis.rules import RULES
from ..store import ListedRun
from ..use_cases.service import Service
from . import filters, prescription
from .examples import Example, examples
from .rendering import page_router, render
from .run_list import ListedRow, rows_of
from .run_rows import called
from .study_rows import ANSWERS, StudyRow, is_live

STUDIES, PRESCRIPTIONS, RUNS, RUNNING = 5, 5, 10, 8
RECENT = 50
"""The newest checks and runs among which those are sought that need attention."""
MOST_ALERTS = 6

router = page_router()


@router.get("/")
def show(service: TheService, request: Request) -> HTMLResponse:
    """The state of the service, and what is new; the lists of all are one click away."""
    return render("index.html", overview(service, url=str(request.base_url).rstrip("/")))


@dataclass(frozen=True)
class Counts:
    """The state of the queue and of the workers."""

    running: int
    queued: int
    workers: int
    free: int


@dataclass(frozen=True)
class Alert:
    """Something that needs attention."""

    address: str
    called: str
    state: str
    """The verdict, the condition or the status."""
    words: str


@dataclass(frozen=True)
class RunningRow:
    """A run that is being trained."""

    row: ListedRow
    left_s: float | None
    """Seconds that it still takes, if the remaining steps take as long as those before; None before the first step."""


@dataclass(frozen=True, kw_only=True)
class IndexView:
    """What the home page shows."""

    counts: Counts
    alerts: Sequence[Alert]
    running: Sequence[RunningRow]
    studies: Sequence[StudyRow]
    prescriptions: Sequence[prescription.PrescriptionRow]
    runs: Sequence[ListedRow]
    examples: Sequence[Example]
    empty: bool
    live: bool


def overview(service: Service, *, url: str) -> IndexView:
    """The state of the service, and the newest of each kind; runs are those that nothing else asked for."""
    counts = _counts(service)
    studies = ANSWERS.rows(service, service.store.studies.page(limit=STUDIES).items)
    found = service.store.prescriptions.page(limit=PRESCRIPTIONS).items
    own = service.store.runs.listed(source="own", limit=RECENT).items
    return IndexView(
        counts=counts,
        alerts=[*_failed_checks(service), *_sick(own)][:MOST_ALERTS],
        running=_running(service) if counts.running else (),
        studies=studies,
        prescriptions=[prescription.row_of(each) for each in found],
        runs=rows_of(service, own[:RUNS]),
        examples=examples(url, with_key=service.settings.access == "required"),
        empty=not (studies or found or own),
        live=bool(counts.running or counts.queued)
        or is_live(studies)
        or any(each.status == "running" for each in found),
    )


def _counts(service: Service) -> Counts:
    runs = service.store.runs
    workers = service.store.reconciliation.workers(seen_within_s=service.settings.lease_ttl_s)
    free = sum(worker.run_id is None for worker in workers)
    return Counts(runs.total(status="running"), runs.total(status="queued"), len(workers), free)


def _failed_checks(service: Service) -> Iterator[Alert]:
    """The baselines whose newest verdict is a fail."""
    judged: set[str] = set()
    for check in service.store.checks.page(limit=RECENT).items:
        if check.verdict is None or check.baseline in judged:
            continue
        judged.add(check.baseline)
        if check.verdict == "fail":
            address, against, age = f"/checks/{check.id}", f"against {check.baseline}", filters.age(check.created_at)
            if check.name:
                yield Alert(address, check.name, check.verdict, f"{against}, {age}")
            else:
                yield Alert(address, f"Check {against}", check.verdict, age)


def _sick(runs: Sequence[ListedRun]) -> Iterator[Alert]:
    """The runs that failed, or whose condition is critical."""
    for run in runs:
        rule = RULES.get(run.condition or "")
        if run.status in ("failed", "expired"):
            yield Alert(f"/runs/{run.id}", called(run), run.status, run.reason.text)
        elif run.condition is not None and rule is not None and rule.usual_severity == "critical":
            yield Alert(f"/runs/{run.id}", called(run), run.condition, filters.age(run.created_at))


def _running(service: Service) -> list[RunningRow]:
    runs = service.store.runs.listed(status="running", limit=RUNNING).items
    now = datetime.now(timezone.utc)
    return [RunningRow(row, _left_s(row.run, now)) for row in rows_of(service, runs)]


def _left_s(run: ListedRun, now: datetime) -> float | None:
    if not run.steps or not run.step or run.started_at is None:
        return None
    return max(0.0, (now - run.started_at).total_seconds() * (run.steps / run.step - 1))
