"""The page of everything that a request can name."""

from fastapi.responses import HTMLResponse

from ..use_cases.catalogue import catalogue
from .rendering import page_router, render

router = page_router()


@router.get("/catalogue")
def show() -> HTMLResponse:
    """Everything that a request can name."""
    return render("catalogue.html", sections=catalogue())
