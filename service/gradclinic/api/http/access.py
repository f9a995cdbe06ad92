"""Access control: an API key in `Authorization`, or a session on the pages that was started at the login.

A request reads and changes only the resources of its key's project; for it, there are no others. The scope that an
operation needs follows from its method and path, so an operation that is added is closed from the start.
"""

import asyncio
import re
from collections.abc import Sequence
from contextlib import suppress
from contextvars import ContextVar
from dataclasses import dataclass, field
from hmac import compare_digest
from secrets import token_hex
from time import monotonic
from urllib.parse import quote

import structlog
from fastapi.concurrency import run_in_threadpool
from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ...kernel import access
from ...kernel.access import digest_of, split
from ...kernel.errors import Forbidden, InvalidRequest, KeyRequired, ServiceUnavailable
from ...kernel.project import PROJECT_HEADER, checked
from ...store import Act, Key, Store, acting
from ...store.key import USE_NOTED_EVERY_S
from .accept import choose
from .cross_site import SAFE_METHODS
from .problems import MEDIA_TYPE, on_own_error, problem
from .rate import Rates, address_of, refusal

SESSION_COOKIE = "gradclinic_session"
CSRF_HEADER = "X-CSRF-Token"
LOGIN, LOGOUT, SWITCH = "/login", "/logout", "/project"
OPENID_LOGIN, OPENID_RETURN = f"{LOGIN}/openid", f"{LOGIN}/openid/return"
MOST_LOGIN_BYTES = 16_384
"""Maximum size of a form that anyone can send."""
CHECK_EVERY_S = 10.0
"""Seconds after which the key of a stream that goes on is checked again."""
REALM = 'Bearer realm="gradclinic"'

_OPEN = frozenset({"/livez", "/readyz", LOGIN, LOGOUT, SWITCH, OPENID_LOGIN, OPENID_RETURN})
"""The forms among them check session and token themselves."""
_OPEN_BELOW = "/static/"
_ADMINISTRATIVE = ("/metrics", "/v1/audit")
_MANAGED = ("/v1/schedules", "/v1/baselines", "/v1/webhooks")
_READING = re.compile(r"/v1/(experiments:resolve|comparisons|runs/[^/]+/diagnoses)|/new")
"""A POST to these paths only reads: nothing is stored."""

_FORMS = frozenset({"/new", "/new/start"})
"""Forms that also work without scripts: they send the CSRF token as a field, which their page checks."""

_caller: ContextVar["Caller | None"] = ContextVar("caller", default=None)


class _KeyEnded(OSError):
    """Ends a stream like a client that disconnects."""


@dataclass(frozen=True)
class Caller:
    """The key or session of a request."""

    key: Key
    session: str | None = field(repr=False)
    """The secret of the session; None if the request has the key itself."""
    project: str
    """The project whose resources the request reads and changes."""
    grants: Sequence[access.Grant] = ()
    """What its session may do in each project."""


def needed_scope(method: str, path: str) -> access.Scope | None:
    """The scope that a request needs; None if it needs no key.

    Reading needs `read`; work that is submitted, cancelled or renamed, `run`; deleting, baselines, schedules
    and webhooks, `manage`; what concerns the whole installation, `admin`.
    """
    if path in _OPEN or path.startswith(_OPEN_BELOW):
        return None
    if path.startswith(_ADMINISTRATIVE):
        return "admin"
    if method in SAFE_METHODS or (method == "POST" and _READING.fullmatch(path)):
        return "read"
    return "run" if method in ("POST", "PATCH") and not path.startswith(_MANAGED) else "manage"


def csrf_of(secret: str) -> str:
    """A CSRF token that forms and scripts of our pages send in addition to the cookie with the secret.

    It is another one each time, so that compressed pages with the same token are too few to guess it (BREACH).
    """
    return _token(token_hex(16), secret)


def _token(salt: str, secret: str) -> str:
    return f"{salt}.{digest_of(f'csrf:{salt}:{secret}')}"


def csrf_token() -> str:
    """The CSRF token of the session that requests the current page; empty without a session."""
    caller = _caller.get()
    return "" if caller is None or caller.session is None else csrf_of(caller.session)


def project_shown() -> str:
    """The project of the key or session that requests the current page; empty where no keys are required."""
    caller = _caller.get()
    return "" if caller is None else caller.project


def sees_several_projects() -> bool:
    """Whether the session that requests the current page can go on in another project."""
    caller = _caller.get()
    if caller is None or caller.session is None:
        return False
    return len(caller.grants) > 1 or caller.key.scope == "admin"


def grants_shown() -> Sequence[access.Grant]:
    """What the session that requests the current page may do in each project; empty where no keys are required."""
    caller = _caller.get()
    return () if caller is None else caller.grants


def is_token(given: str, secret: str) -> bool:
    """Whether a token belongs to the secret in the cookie."""
    return compare_digest(given.encode(), _token(given.partition(".")[0], secret).encode())


def is_from_own_page(given: str) -> bool:
    """Whether the CSRF token that a form sent belongs to the session of this request; true without a session."""
    caller = _caller.get()
    return caller is None or caller.session is None or is_token(given, caller.session)


class Access:
    """Refuses requests without a valid key (401), and those for which the key's scope is too small (403).

    A browser that asks for a page is sent to the login instead. Answers are kept out of shared caches. A stream ends
    when its key does.
    """

    def __init__(self, app: ASGIApp, *, store: Store, rates: Rates | None = None) -> None:
        self.app, self._store, self._rates = app, store, rates
        self._noted_at: dict[str, float] = {}
        self._noting: set[asyncio.Task[None]] = set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        needed = needed_scope(scope["method"], scope["path"]) if scope["type"] == "http" else None
        if needed is None:
            await self.app(scope, receive, send)
            return
        request = Request(scope)
        try:
            caller = await run_in_threadpool(self._caller, request)
        except (ServiceUnavailable, InvalidRequest) as error:
            await on_own_error(request, error)(scope, receive, send)
            return
        refused = await self._stranger(request) if caller is None else _refusal(request, caller, needed)
        if caller is None or refused is not None:
            await (refused or _unknown(request))(scope, receive, send)
            return

        self._note_use(caller.key.id)
        checked_at = monotonic()

        async def send_private(message: Message) -> None:
            nonlocal checked_at
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).setdefault("Cache-Control", "private")
            elif message.get("more_body") and monotonic() - checked_at > CHECK_EVERY_S:
                checked_at = monotonic()
                if not await self._is_still_valid(request):
                    await send({"type": "http.response.body", "body": b"", "more_body": False})
                    raise _KeyEnded
            await send(message)

        scope.setdefault("state", {}).update(key_id=caller.key.id, project=caller.project)
        act = Act(
            f"{scope['method']} {scope['path']}", key_id=caller.key.id, request_id=scope["state"].get("request_id")
        )
        with (
            structlog.contextvars.bound_contextvars(key=caller.key.id, project=caller.project),
            acting(act),
            suppress(ClientDisconnect, _KeyEnded),
        ):
            token = _caller.set(caller)
            try:
                await self.app(scope, receive, send_private)
            finally:
                _caller.reset(token)

    async def _stranger(self, request: Request) -> Response:
        """The answer to a request without a valid key; their number is limited for each address."""
        if self._rates is not None:
            standing = await self._rates.take(f"refused {address_of(request.scope)}")
            if not standing.allowed:
                return refusal(request.scope, self._rates, standing)
        return _unknown(request)

    def _note_use(self, key_id: str) -> None:
        """Write once a minute that a key is used, beside the request: a database that is busy does not delay it."""
        now = monotonic()
        if now - self._noted_at.get(key_id, -USE_NOTED_EVERY_S) < USE_NOTED_EVERY_S:
            return
        self._noted_at[key_id] = now
        task = asyncio.create_task(run_in_threadpool(self._store.keys.note_use, key_id))
        self._noting.add(task)
        task.add_done_callback(self._noting.discard)

    async def _is_still_valid(self, request: Request) -> bool:
        try:
            return await run_in_threadpool(self._caller, request) is not None
        except ServiceUnavailable:  # the next check tells
            return True

    def _caller(self, request: Request) -> Caller | None:
        header = request.headers.get("authorization")
        if header is not None:
            kind, _, text = header.partition(" ")
            parts = split(text.strip()) if kind.lower() == "bearer" else None
            key = None if parts is None else self._store.keys.authenticate(*parts)
            return None if key is None else Caller(key, None, project=_project(request, key))
        secret = request.cookies.get(SESSION_COOKIE)
        session = None if secret is None else self._store.sessions.find(secret)
        if session is None:
            return None
        return Caller(session.key, secret, project=_project(request, session.key), grants=session.grants)


def _project(request: Request, key: Key) -> str:
    """The project that a request names, or else that of its key; raises InvalidRequest if it is no name."""
    named = request.headers.get(PROJECT_HEADER)
    return key.project if named is None else checked(named)


def _refusal(request: Request, caller: Caller, needed: access.Scope) -> Response | None:
    if not access.covers(caller.key.scope, needed):
        return problem(
            request,
            status=403,
            code="scope_too_small",
            title=Forbidden.title,
            detail=f"This needs a key with the scope {needed}; {caller.key.id} has {caller.key.scope}.",
            headers={"WWW-Authenticate": f'{REALM}, error="insufficient_scope", scope="{needed}"'},
        )
    if caller.project != caller.key.project and not access.covers(caller.key.scope, "admin"):
        return problem(
            request,
            status=403,
            code="other_project",
            title=Forbidden.title,
            detail=f"{caller.key.id} is a key of the project {caller.key.project!r}. Only a key with the scope admin "
            f"may name another project in {PROJECT_HEADER}.",
        )
    unsafe = request.method not in SAFE_METHODS and request.url.path not in _FORMS
    if caller.session is not None and unsafe and not is_token(request.headers.get(CSRF_HEADER, ""), caller.session):
        return problem(
            request,
            status=403,
            code="csrf_token_required",
            title=Forbidden.title,
            detail=f"A request of a session that changes something needs the header {CSRF_HEADER} of its page. "
            "Programs send an API key instead of a cookie.",
        )
    return None


def _unknown(request: Request) -> Response:
    if request.method == "GET" and not request.url.path.startswith("/v1/") and _wants_page(request):
        there = request.url.path + (f"?{request.url.query}" if request.url.query else "")
        return RedirectResponse(f"{LOGIN}?to={quote(there, safe='')}", 303, {"Cache-Control": "no-store"})
    given = request.headers.get("authorization") is not None
    wrong = "The API key is wrong, revoked or expired." if given else "This service requires an API key."
    return problem(
        request,
        status=401,
        code=KeyRequired.code,
        title=KeyRequired.title,
        detail=f"{wrong} Send one as `Authorization: Bearer <id>.<secret>`; the client, the command line and the "
        f"recorder take it from {access.KEY_VARIABLE}.",
        headers={"WWW-Authenticate": f'{REALM}, error="invalid_token"' if given else REALM},
    )


def _wants_page(request: Request) -> bool:
    try:
        return choose(request.headers.get("accept"), (MEDIA_TYPE, "application/json", "text/html")) == "text/html"
    except HTTPException:
        return False
