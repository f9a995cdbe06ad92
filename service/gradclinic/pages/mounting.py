"""Adds pages, figures, reports and their files to an API."""

from fastapi import FastAPI

from . import (
    baseline,
    catalogue,
    check,
    claim,
    comparison,
    dataset,
    docs,
    figure,
    files,
    index,
    new,
    openid,
    prescription,
    project,
    report,
    run,
    run_list,
    session,
    study,
    study_list,
    system,
)
from .rendering import on_nothing_there

ROOMS = (
    figure,
    report,
    index,
    new,
    run_list,
    run,
    study_list,
    study,
    prescription,
    baseline,
    check,
    claim,
    comparison,
    dataset,
    docs,
    catalogue,
    system,
    files,
)


def mount(app: FastAPI) -> None:
    """Serve the pages, `/v1/figures/...`, `/v1/.../report`, and what they need from /static; where keys are required,
    also login, logout, and the choice of a project.
    """
    rooms = (*ROOMS, session, project) if app.state.service.settings.access == "required" else ROOMS
    for room in rooms:
        app.include_router(room.router)
    openid.install(app)
    app.add_exception_handler(404, on_nothing_there)
