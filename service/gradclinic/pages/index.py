"""The first page: the newest studies, and runs."""

from typing import Annotated, Any, get_args

from fastapi import Query
from fastapi.responses import HTMLResponse

from ..api.http.dependencies import After, TheService
from ..diagnosis.rules import RULES
from ..kernel.status import ENDED, RunStatus
from ..use_cases.service import Service
from .rendering import page_router, render
from .run import row_of

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
    shown = listed(service, status=status, condition=condition, after=after)
    return render("index.html", statuses=STATUSES, conditions=CONDITIONS, **shown)


def listed(service: Service, *, status: str, condition: str, after: str | None) -> dict[str, Any]:
    """The newest studies, and a page of runs."""
    filtered = bool(status or condition or after)
    page = service.store.runs.page(
        status=status or None,  # type: ignore[arg-type]  # the route has checked it
        condition=condition or None,
        after=after,
        limit=RUNS,
    )
    studies = [] if filtered else list(service.store.studies.page(limit=STUDIES).items)
    live = any(run.status not in ENDED for run in page.items) or any(study.status == "running" for study in studies)
    return {
        "studies": studies,
        "runs": [row_of(run) for run in page.items],
        "next": page.next,
        "status": status,
        "condition": condition,
        "filtered": filtered,
        "live": live,
    }
