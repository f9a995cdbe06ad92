"""The pages of checks, baselines and schedules."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Annotated

from fastapi import Query
from fastapi.responses import HTMLResponse

from ..api.http.dependencies import AfterCheck, CheckId, TheService
from ..kernel.errors import InsufficientData, NotFound
from ..kernel.json import JsonObject
from ..kernel.names import NAME_PATTERN
from ..regression import ConditionCheck, MetricCheck, Report, notes_on_check
from ..store import Baseline, Check, Pin, Schedule
from ..use_cases.baseline import without_seed
from ..use_cases.schedule import due_next
from ..use_cases.service import Service
from .configuration import Change, changes_of
from .figures import Figure, margin
from .rendering import page_router, render
from .run_rows import RunRow, row_of
from .trend import Trend, trend_of

CHECKS, BASELINES = 20, 50
VERDICTS = 10
"""Checks in the row of a baseline."""
MOST_SHOWN = 30
"""Rows of the table of runs on the page of a check."""
MOST_CHANGES = 6
"""Settings on the page of a check that differ from the pinned runs'."""

router = page_router()


@router.get("/checks")
def show_all(
    service: TheService,
    baseline: Annotated[str | None, Query(max_length=100, pattern=NAME_PATTERN)] = None,
    after: AfterCheck = None,
) -> HTMLResponse:
    """Checks, newest first, with baselines and schedules."""
    return render("checks.html", listed(service, baseline=baseline, after=after))


@router.get("/checks/{check_id}")
def show(check_id: CheckId, service: TheService) -> HTMLResponse:
    """One check: verdict, metrics with margins, and conditions."""
    return render("check.html", one(service, check_id))


@dataclass(frozen=True, kw_only=True)
class ChecksView:
    """The content of the page of checks."""

    checks: Sequence[Check]
    next: str | None
    baseline: str | None
    """The baseline whose checks are shown; None shows all."""
    first: bool
    """Whether this is the first page."""
    whole: bool
    """Whether this is the first page without filters."""
    baselines: Sequence["BaselineRow"]
    schedules: Sequence[tuple[Schedule, datetime | None]]
    """Each schedule with its next due time."""
    live: bool


@dataclass(frozen=True)
class BaselineRow:
    """A row in the table of baselines."""

    baseline: Baseline
    checks: Sequence[Check]
    """The newest checks against it, newest first."""
    due: datetime | None
    """When a schedule checks against it next; None if none does."""
    trend: Trend | None


@dataclass(frozen=True, kw_only=True)
class CheckView:
    """What the page of a check shows."""

    check: Check
    title: str
    ended: bool
    metrics: Sequence[MetricCheck]
    conditions: Sequence[ConditionCheck]
    method: str | None
    notes: Sequence[str]
    pin: Pin
    runs: Sequence[RunRow]
    again: JsonObject
    """The request that repeats the check."""
    changes: Sequence[Change]
    """What the new runs train otherwise than the pinned ones."""
    most_shown: int = MOST_SHOWN
    most_changes: int = MOST_CHANGES


def listed(service: Service, *, baseline: str | None, after: str | None) -> ChecksView:
    """A page of checks, newest first, with all baselines and schedules."""
    page = service.store.checks.page(baseline=baseline, after=after, limit=CHECKS)
    whole = baseline is None and after is None
    schedules = service.store.schedules.page(limit=BASELINES).items if whole else ()
    now = datetime.now(timezone.utc)
    due = [(each, due_next(each, now=now)) for each in schedules]
    return ChecksView(
        checks=page.items,
        next=page.next,
        baseline=baseline,
        first=after is None,
        whole=whole,
        baselines=_baselines(service, due) if whole else (),
        schedules=due,
        live=any(check.status == "running" for check in page.items),
    )


def _baselines(service: Service, schedules: Sequence[tuple[Schedule, datetime | None]]) -> list[BaselineRow]:
    rows = []
    for each in service.store.baselines.page(limit=BASELINES).items:
        due = [at for schedule, at in schedules if schedule.baseline == each.name and not schedule.paused and at]
        checks = service.store.checks.page(baseline=each.name, limit=VERDICTS).items
        rows.append(BaselineRow(each, checks, min(due, default=None), trend_of(checks)))
    return rows


def one(service: Service, check_id: str) -> CheckView:
    """A check: verdict, metrics and conditions with their evidence, and runs."""
    found = service.store.checks.get(check_id)
    report = found.report or Report(summary="")
    pin, runs = service.store.baselines.pin_of(found.pin_id), service.store.checks.runs(check_id)
    return CheckView(
        check=found,
        title=title_of(found),
        ended=found.status != "running",
        metrics=report.metrics,
        conditions=report.conditions,
        method=report.method,
        notes=notes_on_check(report.notes, seeds=len(found.seeds), metrics=len(found.margins)),
        pin=pin,
        runs=[row_of(run) for run in runs],
        changes=_changes(service, pin.run_ids[0], runs[0].id) if runs else (),
        again={
            "baseline": found.baseline,
            "experiment": dict(found.experiment),
            "remedies": [dict(remedy) for remedy in found.remedies],
            "seeds": list(found.seeds),
            "margins": dict(found.margins),
        },
    )


def _changes(service: Service, pinned: str, new: str) -> list[Change]:
    before, after = (without_seed(service.store.runs.get(run).resolved_experiment) for run in (pinned, new))
    return changes_of(before, after)


def title_of(check: Check) -> str:
    """Its name, or "Check against" its baseline."""
    return check.name or f"Check against {check.baseline}"


def margin_figure(service: Service, check_id: str, metric: str) -> Figure:
    """One metric of a check with its margin; raises NotFound for another metric, InsufficientData before a verdict."""
    found = service.store.checks.get(check_id)
    if metric not in found.margins:
        raise NotFound(f"the check {check_id} does not check {metric!r}, only {', '.join(found.margins)}")
    for each in found.report.metrics if found.report is not None else ():
        if each.metric == metric:
            return margin(each)
    raise InsufficientData(f"the check is {found.status} and has no verdict")
