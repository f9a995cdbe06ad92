"""The page of a baseline: what is pinned, how its checks went, and when it is checked next."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone

from fastapi.responses import HTMLResponse

from ..api.http.dependencies import BaselineName, TheService
from ..kernel.errors import InsufficientData, NotFound
from ..regression import MetricCheck
from ..schemas.baseline import BaselineAnswer
from ..store import Baseline, Check, Pin, Schedule
from ..use_cases.run import metrics_of_runs
from ..use_cases.schedule import due_next
from ..use_cases.service import Service
from .figures import Figure, trend
from .rendering import page_router, render

CHECKS = 20
"""The newest checks: in the charts, and as rows."""
VERSIONS = 10
SCHEDULES = 50

router = page_router()


@router.get("/baselines/{name}")
def show(name: BaselineName, service: TheService) -> HTMLResponse:
    """One baseline: did its last check pass, and how did the ones before go?"""
    return render("baseline.html", one(service, name))


@dataclass(frozen=True)
class Reached:
    """A metric of the pinned runs, from the lowest to the highest."""

    metric: str
    lowest: float
    highest: float


@dataclass(frozen=True, kw_only=True)
class BaselineView:
    """What the page of a baseline shows."""

    baseline: Baseline
    checks: Sequence[Check]
    """The newest ones, newest first."""
    last: Check | None
    """The newest check that has ended with a verdict."""
    older: str | None
    """The key of the checks after these."""
    metrics: Sequence[str]
    """The metrics of the last check."""
    notes: Sequence[str]
    """What its checks cannot decide."""
    reached: Sequence[Reached]
    schedules: Sequence[tuple[Schedule, datetime | None]]
    versions: Sequence[Pin]
    live: bool
    again: Mapping[str, object]
    """The request of a check of the baseline's own experiment."""


def one(service: Service, name: str) -> BaselineView:
    """A baseline with its newest checks; raises NotFound."""
    found = service.store.baselines.get(name)
    page = service.store.checks.page(baseline=name, limit=CHECKS)
    last = next((each for each in page.items if each.verdict is not None), None)
    now = datetime.now(timezone.utc)
    return BaselineView(
        baseline=found,
        checks=page.items,
        last=last,
        older=page.next,
        metrics=[each.metric for each in last.report.metrics] if last is not None and last.report is not None else (),
        notes=BaselineAnswer.model_validate(found).notes,
        reached=_reached(service, found.pin),
        schedules=[
            (each, due_next(each, now=now))
            for each in service.store.schedules.page(baseline=name, limit=SCHEDULES).items
        ],
        versions=found.history[:VERSIONS],
        live=any(check.status == "running" for check in page.items),
        again={"baseline": name},
    )


def _reached(service: Service, pin: Pin) -> list[Reached]:
    """The validation loss and accuracy of the pinned runs, as far as they are known."""
    measured = metrics_of_runs(service, service.store.runs.get_many(list(pin.run_ids))).values()
    rows = []
    for name in ("final_validation_loss", "final_validation_accuracy"):
        values = [value for each in measured if (value := getattr(each, name)) is not None]
        if values:
            rows.append(Reached(name, min(values), max(values)))
    return rows


def trend_figure(service: Service, name: str, metric: str) -> Figure:
    """A metric of the newest checks against a baseline; raises NotFound, or InsufficientData without a result."""
    service.store.baselines.get(name)
    ended = [each for each in reversed(service.store.checks.page(baseline=name, limit=CHECKS).items) if each.report]
    found = [(each.created_at, judged) for each in ended for judged in _metrics(each) if judged.metric == metric]
    if found:
        return trend(found)
    checked = dict.fromkeys(judged.metric for each in ended for judged in _metrics(each))
    if checked:
        raise NotFound(f"the checks against {name} do not check {metric!r}, only {', '.join(checked)}")
    raise InsufficientData(f"no check against {name} has a verdict yet")


def _metrics(check: Check) -> Sequence[MetricCheck]:
    return check.report.metrics if check.report is not None else ()
