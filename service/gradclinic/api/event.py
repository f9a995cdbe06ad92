"""`/events`: what happens to runs, studies, checks and prescriptions, as server-sent events or as JSON pages."""

from collections.abc import AsyncIterator, Callable
from functools import partial
from time import monotonic
from typing import Annotated, Any, TypeVar

import anyio
from fastapi import APIRouter, Depends, Header, Query, Request, Response
from fastapi.responses import StreamingResponse
from fastapi.sse import KEEPALIVE_COMMENT, format_sse_event

from ..kernel.errors import NotFound, ServiceUnavailable
from ..schemas.event import RunEvent, RunEventPage, StudyEvent, StudyEventPage
from ..use_cases.event import News, Position, check_news, prescription_news, run_news, study_news
from .http.accept import choose
from .http.crowd import Crowd, poll
from .http.dependencies import CheckId, PrescriptionId, RunId, StudyId, TheService, problems
from .http.plain_json import dump

router = APIRouter(prefix="/v1", tags=["events"])

JSON, EVENT_STREAM = "application/json", "text/event-stream"
_KEEP_ALIVE_S = 15.0
_readers = Crowd(poll_s=0.25, polls_per_s=50, most=1000)
_SHAPE: dict[str, Any] = {"content": {JSON: {}, EVENT_STREAM: {"schema": {"type": "string"}}}}
_TEXT: dict[int | str, dict[str, Any]] = {200: {"description": "Events, oldest first.", **_SHAPE}}

Page = TypeVar("Page", RunEventPage, StudyEventPage)

LastEventId = Annotated[
    str | None, Header(max_length=50, description="Only events after this one; browsers send it automatically.")
]
AfterEvent = Annotated[str | None, Query(max_length=50, description="Same as `Last-Event-ID`, for polling.")]


async def _since(last_event_id: LastEventId = None, after: AfterEvent = None) -> Position:
    return Position.parse(after or last_event_id)


Since = Annotated[Position, Depends(_since)]
"""From where a client goes on. Raises InvalidRequest if it is no position."""


@router.get(
    "/runs/{run_id}/events",
    summary="Follow a run",
    response_model=RunEventPage,
    responses={**_TEXT, **problems(404, 406, 422)},
)
async def list_run_events(
    *,
    run_id: RunId,
    service: TheService,
    request: Request,
    response: Response,
    since: Since,
) -> StreamingResponse | RunEventPage:
    """`status`, `progress`, `finding` and `done`; an event stream for `Accept: text/event-stream`, else one page."""
    return await _answer(RunEventPage, request, response, since, lambda at: run_news(service, run_id, at))


@router.get(
    "/studies/{study_id}/events",
    summary="Follow a study",
    response_model=StudyEventPage,
    responses={**_TEXT, **problems(404, 406, 422)},
)
async def list_study_events(
    *,
    study_id: StudyId,
    service: TheService,
    request: Request,
    response: Response,
    since: Since,
) -> StreamingResponse | StudyEventPage:
    """`run` (one has ended), `progress` and `done`; an event stream for `Accept: text/event-stream`, else one page."""
    return await _answer(StudyEventPage, request, response, since, lambda at: study_news(service, study_id, at))


@router.get(
    "/checks/{check_id}/events",
    summary="Follow a check",
    response_model=StudyEventPage,
    responses={**_TEXT, **problems(404, 406, 422)},
)
async def list_check_events(
    *,
    check_id: CheckId,
    service: TheService,
    request: Request,
    response: Response,
    since: Since,
) -> StreamingResponse | StudyEventPage:
    """As for a study; `done` comes with the verdict."""
    return await _answer(StudyEventPage, request, response, since, lambda at: check_news(service, check_id, at))


@router.get(
    "/prescriptions/{prescription_id}/events",
    summary="Follow a prescription",
    response_model=StudyEventPage,
    responses={**_TEXT, **problems(404, 406, 422)},
)
async def list_prescription_events(
    *,
    prescription_id: PrescriptionId,
    service: TheService,
    request: Request,
    response: Response,
    since: Since,
) -> StreamingResponse | StudyEventPage:
    """As for a study, over all rounds; each round adds runs and steps."""
    return await _answer(
        StudyEventPage, request, response, since, lambda at: prescription_news(service, prescription_id, at)
    )


async def _answer(
    page: type[Page], request: Request, response: Response, since: Position, look: Callable[[Position], News]
) -> StreamingResponse | Page:
    form = choose(request.headers.get("accept"), [JSON, EVENT_STREAM])
    _readers.check()
    with _readers.joined():  # from here on, so that no storm of clients that come back waits for the few threads
        first = await poll(partial(look, since))
    if form == EVENT_STREAM:
        headers = {"Cache-Control": "no-cache", "X-Accel-Buffering": "no", "Vary": "Accept"}
        return StreamingResponse(_stream(page, first, look), media_type=EVENT_STREAM, headers=headers)
    response.headers["Vary"] = "Accept"
    return page.model_validate(first)


async def _stream(page: type[Page], news: News, look: Callable[[Position], News]) -> AsyncIterator[bytes]:
    """Yield events as they occur. No thread is blocked between polls.

    If the database is unavailable, the stream waits: a browser that reconnects and gets a 503 gives up.
    """
    last_sent = monotonic()
    with _readers.joined():
        while True:
            for event in page.model_validate(news).items:
                yield _encoded(event)
            if news.done:
                return
            if news.items:
                last_sent = monotonic()
            elif monotonic() - last_sent >= _KEEP_ALIVE_S:
                yield KEEPALIVE_COMMENT
                last_sent = monotonic()
            await anyio.sleep(_readers.pause_s)
            try:
                news = await poll(partial(look, news.position))
            except ServiceUnavailable:
                news = News((), news.position, done=False)
            except NotFound:  # deleted meanwhile
                return


def _encoded(event: RunEvent | StudyEvent) -> bytes:
    data = event.model_dump(mode="json")["data"]
    return format_sse_event(data_str=dump(data).decode(), event=event.event, id=event.id)
