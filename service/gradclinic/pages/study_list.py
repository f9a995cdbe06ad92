"""The list of all studies."""

from collections.abc import Sequence
from dataclasses import dataclass

from fastapi.responses import HTMLResponse

from ..api.http.dependencies import AfterStudy, TheService
from ..store import Study
from ..use_cases.service import Service
from .rendering import page_router, render

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

    studies: Sequence[Study]
    next: str | None
    first: bool
    """Whether this is the first page."""
    live: bool


def listed(service: Service, *, after: str | None) -> StudiesView:
    """A page of studies, newest first."""
    page = service.store.studies.page(after=after, limit=STUDIES)
    return StudiesView(
        studies=page.items,
        next=page.next,
        first=after is None,
        live=any(study.status == "running" for study in page.items),
    )
