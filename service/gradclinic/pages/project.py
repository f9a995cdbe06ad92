"""The project of a session: whoever may see several chooses one of them here."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

from fastapi import Form, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from ..api.http.access import LOGIN, SESSION_COOKIE, SWITCH, grants_shown, is_token
from ..api.http.dependencies import TheService
from ..kernel.access import Grant, grant_in
from ..kernel.project import DEFAULT, checked
from ..use_cases.service import Service
from .rendering import page_router, render

router = page_router()


@dataclass(frozen=True)
class ProjectsView:
    """What the page of projects shows."""

    grants: Sequence[Grant]
    """The projects that the session may see, and its scope in each."""


@router.get("/projects")
def show_all(service: TheService) -> HTMLResponse:
    """The projects of a session, each with a button that goes on in it."""
    return render("projects.html", ProjectsView(listed(service, grants_shown())))


@router.post(SWITCH)
def switch(
    request: Request,
    service: TheService,
    project: Annotated[str, Form(max_length=1000)] = DEFAULT,
    csrf: Annotated[str, Form(max_length=1000)] = "",
) -> Response:
    """Go on in another project, if the form came from a page of the session; begin with its overview."""
    secret = request.cookies.get(SESSION_COOKIE)
    session = None if secret is None else service.store.sessions.find(secret)
    if secret is None or session is None or not is_token(csrf, secret):
        return RedirectResponse(LOGIN, 303, {"Cache-Control": "no-store"})
    if grant_in(checked(project), session.grants).project == project:
        service.store.sessions.choose(secret, project)
    return RedirectResponse("/", 303, {"Cache-Control": "no-store"})


def listed(service: Service, grants: Sequence[Grant]) -> Sequence[Grant]:
    """The projects that somebody with these grants may see, by name; with the scope admin, all that are known."""
    if not any(grant.scope == "admin" for grant in grants):
        return sorted(grants, key=lambda grant: grant.project)
    named = {role.project for role in service.settings.oidc_groups} | {grant.project for grant in grants}
    names = sorted({DEFAULT, *named, *service.store.keys.projects()})
    return [Grant(name, "admin") for name in names]
