"""ETags of runs and studies that have ended, so that a client that has an answer need not be sent it again.

One short statement reads the version of a run or a study before anything else, and a client that knows it gets a 304.
"""

import hashlib
from functools import cache
from pathlib import Path

from fastapi import Depends, FastAPI, Request, Response
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ...schemas.base import Json
from .dependencies import RunId, StudyId, TheService

CACHING = "private, no-cache"
"""A browser may keep the answer, and asks whether it is still valid."""


class _NotModifiedError(Exception):
    """The client has the answer already."""


def _of_run(request: Request, run_id: RunId, service: TheService) -> None:
    _compare(request, service.store.runs.version(run_id))


def _of_study(request: Request, study_id: StudyId, service: TheService) -> None:
    _compare(request, service.store.studies.version(study_id))


UNCHANGED_RUN, UNCHANGED_STUDY = Depends(_of_run), Depends(_of_study)
"""For routes whose answer follows from a run, or from a study and its runs."""


UNCHANGED: dict[int | str, Json] = {
    304: {"description": "The client has this answer already: it sent its `ETag` as `If-None-Match`."}
}
"""The description of their other answer."""


def _compare(request: Request, version: str | None) -> None:
    """Give the answer an ETag, and raise if the client has one with it; without a version, do nothing."""
    if version is None:
        return
    tag = _tag(request, version)
    request.state.etag = tag
    if is_known(tag, request):
        raise _NotModifiedError


def is_known(tag: str, request: Request) -> bool:
    """Whether the client has the answer with this tag: it names it in `If-None-Match`."""
    known = {each.strip().removeprefix("W/") for each in request.headers.get("if-none-match", "").split(",")}
    return bool(known & {tag.removeprefix("W/"), "*"})


def _tag(request: Request, version: str) -> str:
    """A weak tag: what it names may be compressed or not."""
    parts = (_build(), version, request.url.path, request.url.query, request.headers.get("accept", ""))
    return f'W/"{hashlib.sha256(repr(parts).encode()).hexdigest()[:24]}"'


@cache
def _build() -> str:
    """Changes with the code, which may answer differently."""
    package = Path(__file__).resolve().parents[2]
    return str(max(file.stat().st_mtime_ns for file in package.rglob("*.py")))


class EntityTags:
    """Adds the ETag that a route found to its answer."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""

        async def send_tagged(message: Message) -> None:
            tag = scope.get("state", {}).get("etag")
            if message["type"] == "http.response.start" and message["status"] in (200, 304) and tag is not None:
                headers = MutableHeaders(scope=message)
                headers["ETag"], headers["Cache-Control"] = tag, CACHING
                headers.add_vary_header("Accept")
            await send(message)

        await self.app(scope, receive, send_tagged if scope["type"] == "http" else send)


def install_entity_tags(app: FastAPI) -> None:
    """Let the routes of an application answer 304."""
    _build()  # at the start, so that no request waits until the times of all files are read
    app.add_exception_handler(_NotModifiedError, lambda _request, _error: Response(status_code=304))
    app.add_middleware(EntityTags)
