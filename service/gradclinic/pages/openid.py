"""Login to the pages with OpenID Connect, where a provider is set."""

from typing import Annotated, cast

import structlog
from fastapi import FastAPI, Query, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from ..api.http.access import OPENID_LOGIN, OPENID_RETURN
from ..api.http.dependencies import TheService
from ..kernel.access import grant_in
from ..store import Act, acting
from ..use_cases.login.attempt import LoginAttempt, Returned
from ..use_cases.login.identity import Identity, grants_of
from ..use_cases.login.provider import LoginFailed, Provider
from ..use_cases.request_id import request_id
from ..use_cases.service import Service
from .rendering import page_router, render
from .session import LASTS_S, There, enter, local, set_cookie

log = structlog.get_logger(__name__)

COOKIE = "gradclinic_openid"
COOKIE_LASTS_S = 600
"""Seconds within which somebody has to log in at the provider."""
MOST_CHARACTERS = 1000
"""Length of an address that a login leads back to; a longer one would make that of the provider too long."""

router = page_router()


def install(app: FastAPI) -> None:
    """Add the login, if a provider is set. Raises SetupFailed if something that it needs is not."""
    settings = app.state.service.settings
    app.state.openid = Provider(settings, path=OPENID_RETURN) if settings.oidc_issuer else None
    if app.state.openid is not None:
        app.include_router(router)


@router.get(OPENID_LOGIN)
def begin(request: Request, to: There = "/") -> Response:
    """Send the browser to the provider, with a cookie that ties what comes back to this browser."""
    attempt = LoginAttempt()
    there = local(to)
    try:
        address = _provider(request).address(attempt, to=there if len(there) <= MOST_CHARACTERS else "/")
    except LoginFailed as why:
        return _failure(why)
    answer = RedirectResponse(address, 303, {"Cache-Control": "no-store", "Referrer-Policy": "no-referrer"})
    set_cookie(answer, request, COOKIE, attempt.secret, lasts_s=COOKIE_LASTS_S, path=OPENID_LOGIN)
    return answer


@router.get(OPENID_RETURN)
def come_back(request: Request, service: TheService, returned: Annotated[Returned, Query()]) -> Response:
    """Start a session for the person whom the provider names, and redirect to the requested page."""
    secret = request.cookies.get(COOKIE)
    attempt = None if secret is None else LoginAttempt(secret)
    to = None if attempt is None else attempt.destination(returned.state)
    if attempt is None or to is None:
        return _refusal(403, "This login was not begun in this browser, or it has expired. Try again.")
    try:
        identity = _provider(request).identify(attempt, returned)
    except LoginFailed as why:
        return _failure(why)
    session = _start(service, identity)
    if session is None:
        return _refusal(403, f"You may not use this service as {identity.name}. Ask its operator for access.")
    answer = enter(request, session, to=to)
    answer.delete_cookie(COOKIE, path=OPENID_LOGIN)
    return answer


def _provider(request: Request) -> Provider:
    return cast(Provider, request.app.state.openid)


def _start(service: Service, identity: Identity) -> str | None:
    """A new session's secret; None for a person without a group, or whose entry was revoked."""
    grants = grants_of(identity.groups, service.settings.oidc_groups)
    if not grants:
        log.info("login_refused", person=identity.name, groups=len(identity.groups))
        return None
    person = service.store.keys.enter(identity.subject, name=identity.name, grant=grant_in(None, grants))
    if person is None:
        return None
    with acting(Act(f"GET {OPENID_RETURN}", key_id=person.id, request_id=request_id())):
        return service.store.sessions.start(person.id, lasts_s=LASTS_S, grants=grants)


def _failure(why: LoginFailed) -> HTMLResponse:
    log.warning("login_failed", reason=str(why))
    return _refusal(502, "The provider's answer could not be used. The service's log has the reason.")


def _refusal(status_code: int, text: str) -> HTMLResponse:
    return render("error.html", status_code=status_code, heading="You are not logged in", text=text)
