"""The list of all runs: searched, filtered, sorted, and with what can be done with those that are selected."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, timezone
from types import MappingProxyType
from typing import Annotated, Literal, cast, get_args

from fastapi import Depends, Query
from fastapi.responses import HTMLResponse

from .. import store
from ..api.http.dependencies import TheService
from ..diagnosis.rules import RULES
from ..kernel.errors import InvalidRequest
from ..kernel.status import ENDED, RunStatus
from ..store import MOST_COUNTED, ListedRun, RunSort
from ..use_cases.service import Service
from .chosen_runs import MOST
from .rendering import page_router, render
from .run_rows import called
from .run_totals import Totals
from .sparkline import sparklines

STATUSES: tuple[str, ...] = get_args(RunStatus)
CONDITIONS = tuple(RULES)
SOURCES: Mapping[str, str] = {
    "own": "Single",
    "recording": "Recorded",
    "study": "Studies",
    "prescription": "Cures",
    "check": "Checks",
    "all": "All",
}
"""The parts of the list; `own`: runs that were posted or recorded on their own."""
NEWEST = "-created_at"
SORTS: tuple[str, ...] = get_args(RunSort)
RUNS = 25
"""Rows per page."""

DAY = "^([0-9]{4}-[0-9]{2}-[0-9]{2})?$"

router = page_router()
_totals = Totals()


@dataclass(frozen=True)
class SortColumn:
    """A column by which the list can be sorted."""

    field: str
    label: str
    help: str = ""
    first: str = ""
    """A minus if the first click sorts the largest first."""


COLUMNS = (
    SortColumn("name", "Run"),
    SortColumn("model", "Model"),
    SortColumn("condition", "Condition"),
    SortColumn("status", "Status"),
    SortColumn("relative_train_loss", "Loss left", "Training loss relative to always predicting the average"),
    SortColumn("final_validation_loss", "Val. loss", "Validation loss after the last step"),
    SortColumn("final_validation_accuracy", "Accuracy", "Of the validation split", first="-"),
    SortColumn("duration_s", "Duration", "From its start to its end", first="-"),
    SortColumn("created_at", "Created", first="-"),
)


@dataclass(frozen=True, kw_only=True)
class RunFilters:
    """The filters of the list; empty means any, as forms send it."""

    search: Annotated[str, Query(max_length=100, pattern=r"^[^\x00]*$")] = ""
    status: Annotated[str, Query(pattern=f"^({'|'.join(STATUSES)})?$")] = ""
    condition: Annotated[str, Query(pattern=f"^({'|'.join(CONDITIONS)})?$")] = ""
    source: Annotated[str, Query(pattern=f"^({'|'.join(SOURCES)})?$")] = ""
    """Empty: the own runs, or all if there is any other filter."""
    study: Annotated[str, Query(max_length=40, pattern="^[A-Za-z0-9_]*$")] = ""
    label: Annotated[str, Query(max_length=300, pattern=r"^([^:\x00]+:[^\x00]*)?$")] = ""
    """`key:value`."""
    since: Annotated[str, Query(pattern=DAY)] = ""
    until: Annotated[str, Query(pattern=DAY)] = ""
    """The first and the last day of creation (UTC)."""

    @property
    def used(self) -> dict[str, str]:
        """The filters in use, as query parameters."""
        return {name: value for name, value in vars(self).items() if value}

    @property
    def shown(self) -> str:
        """The part of the list that is shown."""
        return self.source or ("all" if self.used else "own")

    @property
    def stored(self) -> store.RunFilters:
        """The same, as the store takes them."""
        key, _, value = self.label.partition(":")
        asked = {
            "search": self.search or None,
            "status": self.status or None,
            "condition": self.condition or None,
            "source": None if self.shown == "all" else self.shown,
            "study_id": self.study or None,
            "labels": {key: value} if self.label else {},
            "created_from": _midnight("since", self.since),
            "created_before": _midnight("until", self.until, days=1),
        }
        return cast(store.RunFilters, asked)  # the route has checked them


def _midnight(name: str, day: str, *, days: int = 0) -> datetime | None:
    """The beginning of a day in UTC, or of one that is some days later; raises InvalidRequest."""
    if not day:
        return None
    try:
        return datetime.combine(date.fromisoformat(day), time(), timezone.utc) + timedelta(days=days)
    except (ValueError, OverflowError):
        raise InvalidRequest.at(f"/{name}", "is no day of the calendar", value=day, allowed="YYYY-MM-DD") from None


@dataclass(frozen=True)
class Parent:
    """What asked for a run: the page of a study, a search for a cure or a check."""

    kind: Literal["study", "cure", "check"]
    address: str


@dataclass(frozen=True)
class ListedRow:
    """A row of the list."""

    run: ListedRun
    called: str
    condition: str | None
    parent: Parent | None
    sparkline: str = ""
    """Its loss as the path of an SVG; empty if there is none."""


@dataclass(frozen=True, kw_only=True)
class RunsView:
    """What the page of runs shows."""

    runs: Sequence[ListedRow]
    total: int
    next: str | None
    filters: RunFilters
    sort: str
    first: bool
    """Whether this is the first page."""
    live: bool
    statuses: Sequence[str] = STATUSES
    conditions: Sequence[str] = CONDITIONS
    sources: Sequence[tuple[str, str]] = tuple(SOURCES.items())
    most_counted: int = MOST_COUNTED
    most_compared: int = MOST

    @property
    def named(self) -> bool:
        """Whether any run here has a title other than its model."""
        return any(row.run.name or row.run.arm for row in self.runs)

    @property
    def columns(self) -> Sequence[SortColumn]:
        """The columns; that of the titles is that of the models if these are the titles."""
        return COLUMNS if self.named else (SortColumn("model", "Run"), *COLUMNS[2:])

    @property
    def query(self) -> dict[str, str]:
        """Filters and order as query parameters, for the next page."""
        return {**self.filters.used, **({} if self.sort == NEWEST else {"sort": self.sort})}


@router.get("/runs")
def show(
    service: TheService,
    filters: Annotated[RunFilters, Depends()],
    sort: Annotated[str, Query(pattern=f"^({'|'.join(SORTS)})?$")] = "",
    after: Annotated[str | None, Query(max_length=1500, pattern=r"^[A-Za-z0-9_-]+$")] = None,
) -> HTMLResponse:
    """A page of runs; by default newest first."""
    shown = listed(service, filters, sort=sort or NEWEST, after=after)
    return render("runs.html", shown, query=shown.query, columns=shown.columns, named=shown.named)


def listed(service: Service, filters: RunFilters, *, sort: str, after: str | None) -> RunsView:
    """A page of the runs that match all filters, each with its parent."""
    runs = service.store.runs
    page = runs.listed(sort=cast(RunSort, sort), after=after, limit=RUNS, **filters.stored)
    return RunsView(
        runs=rows_of(service, page.items, sparklines=sparklines(service, page.items)),
        total=_totals.of(
            (service.settings.database_url, service.store.project, *vars(filters).values()),
            lambda: runs.total(**filters.stored),
        ),
        next=page.next,
        filters=filters,
        sort=sort,
        first=after is None,
        live=any(run.status not in ENDED for run in page.items),
    )


def rows_of(
    service: Service, runs: Sequence[ListedRun], *, sparklines: Mapping[str, str] = MappingProxyType({})
) -> list[ListedRow]:
    """Runs of several parents, each with its own."""
    ids = [run.id for run in runs if run.source not in ("own", "study")]
    prescriptions, checks = service.store.prescriptions.of_runs(ids), service.store.checks.of_runs(ids)
    return [
        ListedRow(
            run,
            called(run),
            run.condition,
            _parent(run, prescriptions.get(run.id), checks.get(run.id)),
            sparklines.get(run.id, ""),
        )
        for run in runs
    ]


def _parent(run: ListedRun, prescription: str | None, check: str | None) -> Parent | None:
    if run.study_id is not None:
        return Parent("study", f"/studies/{run.study_id}")
    if prescription is not None:
        return Parent("cure", f"/prescriptions/{prescription}")
    return None if check is None else Parent("check", f"/checks/{check}")
