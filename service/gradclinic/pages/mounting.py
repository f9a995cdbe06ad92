"""Adds pages, figures, reports and their files to an API."""

from fastapi import FastAPI

from . import figure as figure_routes
from . import files, pages
from . import report as report_routes


def mount(app: FastAPI) -> None:
    """Serve the pages, `/v1/figures/...`, `/v1/.../report`, and what they need from /static."""
    app.include_router(figure_routes.router)
    app.include_router(report_routes.router)
    app.include_router(pages.router)
    app.include_router(files.router)
    app.add_exception_handler(404, pages.on_nothing_there)
