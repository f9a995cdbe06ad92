"""The list of all studies."""

from collections.abc import Sequence
from dataclasses import dataclass

from fastapi.responses import HTMLResponse

from ..api.http.dependencies import AfterStudy, TheService
from ..use_cases.service import Service
from .rendering import page_router, render
from .study_rows import ANSWERS, StudyRow, is_live

STUDIES = 25
"""Rows per page."""

router = page_router()


@router.get("/studies")
def show(service: TheService, after: AfterStudy = None) -> HTMLResponse:
    """A page of studies, newest first."""
    return render("studies.html", listed(service, after=after))


@dataclass(frozen=True, kw_only=True)
class StudiesView:
    """What the page of studies shows."""

    studies: Sequence[StudyRow]
    next: str | None
    first: bool
    """Whether this is the first page."""
    live: bool


def listed(service: Service, *, after: str | None) -> StudiesView:
    """A page of studies, newest first."""
    page = service.store.studies.page(after=after, limit=STUDIES)
    rows = ANSWERS.rows(service, page.items)
    return StudiesView(
        studies=rows,
        next=page.next,
        first=after is None,
        live=is_live(rows),
    )
