"""The home page: the newest studies and runs."""

from collections.abc import Sequence
from dataclasses import dataclass

from fastapi.responses import HTMLResponse

from ..api.http.dependencies import TheService
from ..kernel.status import ENDED
from ..store import Study
from ..use_cases.service import Service
from .rendering import page_router, render
from .run_list import ListedRow, rows_of

STUDIES, RUNS = 10, 20

router = page_router()


@router.get("/")
def show(service: TheService) -> HTMLResponse:
    """The newest studies and runs; the lists of all of them are one click away."""
    return render("index.html", newest(service))


@dataclass(frozen=True, kw_only=True)
class IndexView:
    """What the home page shows."""

    studies: Sequence[Study]
    more_studies: bool
    runs: Sequence[ListedRow]
    more_runs: bool
    live: bool


def newest(service: Service) -> IndexView:
    """The newest studies, and the newest runs that were posted or recorded on their own."""
    studies = service.store.studies.page(limit=STUDIES)
    runs = service.store.runs.listed(source="own", limit=RUNS)
    return IndexView(
        studies=studies.items,
        more_studies=studies.next is not None,
        runs=rows_of(service, runs.items),
        more_runs=runs.next is not None,
        live=any(run.status not in ENDED for run in runs.items)
        or any(study.status == "running" for study in studies.items),
    )
