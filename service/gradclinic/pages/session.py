"""Login to the pages with an API key, and logout."""

import re
from typing import Annotated
from urllib.parse import quote

import structlog
from fastapi import Form, Query, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from ..api.http.access import LOGIN, LOGOUT, OPENID_LOGIN, REALM, SESSION_COOKIE, csrf_of, is_token
from ..api.http.dependencies import TheService
from ..kernel.access import new_secret, split
from ..kernel.errors import ServiceUnavailable
from ..store import Act, acting
from ..use_cases.login.provider import LoginFailed
from ..use_cases.request_id import request_id
from .rendering import page_router, render

log = structlog.get_logger(__name__)

LASTS_S = 12 * 3600
"""Maximum duration of a session in seconds."""
FORM_COOKIE = "gradclinic_login"
FORM_LASTS_S = 3600
_LOCAL = re.compile(r"/(?![/\\])[^\\\x00-\x20]*")
"""A path of this service. Browsers take `//host` and `/\\host` for another site."""

router = page_router()

There = Annotated[str, Query(max_length=4000)]
Field = Annotated[str, Form(max_length=4000)]


@router.get(LOGIN)
def show(request: Request, to: There = "/") -> HTMLResponse:
    """The login form, with a token tied to a cookie, so that other sites cannot submit it."""
    return _form(request, to)


@router.post(LOGIN)
def log_in(request: Request, service: TheService, key: Field = "", csrf: Field = "", to: Field = "/") -> Response:
    """Start a session, and redirect to the requested page."""
    secret = request.cookies.get(FORM_COOKIE)
    if secret is None or not is_token(csrf, secret):
        return _form(request, to, status_code=403, trouble="The form has expired. Try again.")
    parts = split(key.strip())
    found = None if parts is None else service.store.keys.authenticate(*parts)
    if found is None:
        return _form(request, to, status_code=401, trouble="This key is wrong, revoked or expired.")
    with acting(Act(f"POST {LOGIN}", key_id=found.id, request_id=request_id())):
        session = service.store.sessions.start(found.id, lasts_s=LASTS_S)
    answer = enter(request, session, to=to)
    answer.delete_cookie(FORM_COOKIE, path=LOGIN)
    return answer


@router.post(LOGOUT)
def log_out(request: Request, service: TheService, csrf: Field = "") -> Response:
    """End the session, if the form came from one of its pages. A person may then log out at the provider, too."""
    secret = request.cookies.get(SESSION_COOKIE)
    login = RedirectResponse(LOGIN, 303, {"Cache-Control": "no-store"})
    if secret is None or not is_token(csrf, secret):
        return login
    session = service.store.sessions.find(secret)
    service.store.sessions.end(secret)
    elsewhere = _logout_at_provider(request) if session is not None and session.key.is_person else None
    answer = login if elsewhere is None else _logged_out(request, elsewhere)
    answer.delete_cookie(SESSION_COOKIE, path="/")
    return answer


def _logout_at_provider(request: Request) -> str | None:
    """The address for it; None without a provider, or if it has none or does not answer."""
    provider = request.app.state.openid
    try:
        return None if provider is None else str(provider.logout_address(returns_to=LOGIN))
    except (LoginFailed, ServiceUnavailable) as why:
        log.info("logout_only_here", reason=str(why))
        return None


def _logged_out(request: Request, elsewhere: str) -> HTMLResponse:
    """A page with a link, because the policy of our pages lets no form lead to another host."""
    name = request.app.state.service.settings.oidc_name
    answer = render("logged_out.html", elsewhere=elsewhere, openid_name=name)
    answer.headers["Cache-Control"] = "no-store"
    return answer


def enter(request: Request, session: str, *, to: str) -> RedirectResponse:
    """Give the browser the secret of its session, and redirect to a page."""
    answer = RedirectResponse(local(to), 303, {"Cache-Control": "no-store"})
    set_cookie(answer, request, SESSION_COOKIE, session, lasts_s=LASTS_S, path="/")
    return answer


def _form(request: Request, to: str, *, status_code: int = 200, trouble: str = "") -> HTMLResponse:
    secret = request.cookies.get(FORM_COOKIE) or new_secret()
    openid = None if request.app.state.openid is None else f"{OPENID_LOGIN}?to={quote(local(to), safe='')}"
    answer = render(
        "login.html",
        status_code=status_code,
        to=local(to),
        token=csrf_of(secret),
        trouble=trouble,
        openid=openid,
        openid_name=request.app.state.service.settings.oidc_name,
    )
    set_cookie(answer, request, FORM_COOKIE, secret, lasts_s=FORM_LASTS_S, path=LOGIN)
    if status_code == 401:
        answer.headers["WWW-Authenticate"] = REALM
    return answer


def set_cookie(answer: Response, request: Request, name: str, secret: str, *, lasts_s: int, path: str) -> None:
    """Set a cookie that scripts cannot read, and that browsers do not send with forms of other sites."""
    secure = request.url.scheme == "https"
    answer.set_cookie(name, secret, max_age=lasts_s, path=path, secure=secure, httponly=True, samesite="lax")


def local(to: str) -> str:
    """A path of this service; the home page for anything else."""
    return to if _LOCAL.fullmatch(to) and not to.startswith((LOGIN, LOGOUT)) else "/"
