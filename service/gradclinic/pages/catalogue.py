"""The page of the catalogue."""

from fastapi.responses import HTMLResponse

from ..use_cases.catalogue import catalogue
from .rendering import page_router, render

router = page_router()


@router.get("/catalogue")
def show() -> HTMLResponse:
    """Everything that requests can use by name."""
    return render("catalogue.html", sections=catalogue())
