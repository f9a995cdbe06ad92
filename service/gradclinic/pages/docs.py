"""The page of the API's documentation."""

from fastapi.responses import HTMLResponse

from .files import SWAGGER, SWAGGER_CSS
from .rendering import page_router, render

router = page_router()


@router.get("/docs")
def show() -> HTMLResponse:
    """The API documentation: Swagger UI from the installed package."""
    there = SWAGGER.installed
    return render("docs.html", script=SWAGGER.address if there else None, styles=SWAGGER_CSS.address if there else None)
