"""The list of all runs, with filters for condition, status and source."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, get_args

from fastapi import Depends, Query
from fastapi.responses import HTMLResponse

from ..api.http.dependencies import AfterRun, TheService
from ..diagnosis.rules import RULES
from ..kernel.status import ENDED, RunStatus
from ..use_cases.service import Service
from .rendering import page_router, render
from .run import RunRow, rows_of

STATUSES: tuple[str, ...] = get_args(RunStatus)
CONDITIONS = tuple(RULES)
SOURCES: Mapping[str, str] = {
    "own": "nothing (single runs and recordings)",
    "study": "a study",
    "prescription": "a prescription",
    "check": "a check",
}
RUNS = 50
"""Rows per page."""

router = page_router()


@dataclass(frozen=True, kw_only=True)
class RunFilters:
    """The filters of the list; empty means any, as forms send it."""

    name: Annotated[str, Query(max_length=100, pattern=r"^[^\x00]*$")] = ""
    status: Annotated[str, Query(pattern=f"^({'|'.join(STATUSES)})?$")] = ""
    condition: Annotated[str, Query(pattern=f"^({'|'.join(CONDITIONS)})?$")] = ""
    source: Annotated[str, Query(pattern=f"^({'|'.join(SOURCES)})?$")] = ""
    study: Annotated[str, Query(max_length=40, pattern="^[A-Za-z0-9_]*$")] = ""
    label: Annotated[str, Query(max_length=300, pattern=r"^([^:\x00]+:[^\x00]*)?$")] = ""
    """`key:value`."""

    @property
    def used(self) -> dict[str, str]:
        """The filters in use, as query parameters."""
        return {name: value for name, value in vars(self).items() if value}


@dataclass(frozen=True, kw_only=True)
class RunsView:
    """What the page of runs shows."""

    runs: Sequence[RunRow]
    next: str | None
    filters: RunFilters
    first: bool
    """Whether this is the first page."""
    live: bool
    statuses: Sequence[str] = STATUSES
    conditions: Sequence[str] = CONDITIONS
    sources: Sequence[tuple[str, str]] = tuple(SOURCES.items())


@router.get("/runs")
def show(service: TheService, filters: Annotated[RunFilters, Depends()], after: AfterRun = None) -> HTMLResponse:
    """A page of runs, newest first."""
    return render("runs.html", listed(service, filters, after=after))


def listed(service: Service, filters: RunFilters, *, after: str | None) -> RunsView:
    """A page of the runs that match all filters, each with its parent."""
    key, _, value = filters.label.partition(":")
    page = service.store.runs.page(
        search=filters.name or None,
        status=filters.status or None,  # type: ignore[arg-type]  # the route has checked it
        condition=filters.condition or None,
        source=filters.source or None,  # type: ignore[arg-type]  # the route has checked it
        study_id=filters.study or None,
        labels={key: value} if filters.label else {},
        after=after,
        limit=RUNS,
    )
    return RunsView(
        runs=rows_of(service, page.items),
        next=page.next,
        filters=filters,
        first=after is None,
        live=any(run.status not in ENDED for run in page.items),
    )
