"""Adds pages, figures and their files to an API."""

from fastapi import FastAPI

from . import figure_routes, files, pages


def mount(app: FastAPI) -> None:
    """Serve the pages, `/v1/figures/...`, and what they need from /static."""
    app.include_router(figure_routes.router)
    app.include_router(pages.router)
    app.include_router(files.router)
