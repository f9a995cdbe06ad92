"""The home page: the newest studies and runs."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, get_args

from fastapi import Query
from fastapi.responses import HTMLResponse

from ..api.http.dependencies import After, TheService
from ..diagnosis.rules import RULES
from ..kernel.status import ENDED, RunStatus
from ..store import Study
from ..use_cases.service import Service
from .rendering import page_router, render
from .run import RunRow, row_of

STATUSES: tuple[str, ...] = get_args(RunStatus)
CONDITIONS = tuple(RULES)
StatusFilter = Annotated[str, Query(pattern=f"^({'|'.join(STATUSES)})?$")]
ConditionFilter = Annotated[str, Query(pattern=f"^({'|'.join(CONDITIONS)})?$")]

STUDIES, RUNS = 20, 50

router = page_router()


@router.get("/")
def show(
    service: TheService, status: StatusFilter = "", condition: ConditionFilter = "", after: After = None
) -> HTMLResponse:
    """Studies and runs, newest first."""
    return render("index.html", listed(service, status=status, condition=condition, after=after))


@dataclass(frozen=True, kw_only=True)
class IndexView:
    """What the home page shows."""

    studies: Sequence[Study]
    runs: Sequence[RunRow]
    next: str | None
    status: str
    condition: str
    filtered: bool
    live: bool
    statuses: Sequence[str] = STATUSES
    conditions: Sequence[str] = CONDITIONS


def listed(service: Service, *, status: str, condition: str, after: str | None) -> IndexView:
    """The newest studies and a page of runs."""
    filtered = bool(status or condition or after)
    page = service.store.runs.page(
        status=status or None,  # type: ignore[arg-type]  # the route has checked it
        condition=condition or None,
        after=after,
        limit=RUNS,
    )
    studies = () if filtered else service.store.studies.page(limit=STUDIES).items
    live = any(run.status not in ENDED for run in page.items) or any(study.status == "running" for study in studies)
    return IndexView(
        studies=studies,
        runs=[row_of(run) for run in page.items],
        next=page.next,
        status=status,
        condition=condition,
        filtered=filtered,
        live=live,
    )
