"""Dependencies of the routes: the service, and common parameters."""

from typing import Annotated, Any, cast

from fastapi import Depends, Header, Path, Query, Request

from ...kernel.errors import InvalidRequest
from ...kernel.names import NAME_PATTERN
from ...kernel.project import DEFAULT, PROJECT_HEADER
from ...use_cases.service import Service
from .problems import ProblemDocument


def _service(request: Request) -> Service:
    """The service for the project of the request's key; for the project `default` where no keys are required."""
    service = cast(Service, request.app.state.service)
    if service.settings.access == "required":
        return service.within(getattr(request.state, "project", DEFAULT))
    if PROJECT_HEADER in request.headers:
        raise InvalidRequest.at("", f"without keys, everything is in the project {DEFAULT!r}", allowed="no X-Project")
    return service


TheService = Annotated[Service, Depends(_service)]

RunId = Annotated[str, Path(min_length=1, max_length=40, pattern=r"^[A-Za-z0-9_]+$", examples=["run_01K0A"])]
StudyId = Annotated[str, Path(min_length=1, max_length=40, pattern=r"^[A-Za-z0-9_]+$", examples=["study_01K0A"])]
PrescriptionId = Annotated[
    str, Path(min_length=1, max_length=40, pattern=r"^[A-Za-z0-9_]+$", examples=["prescription_01K0A"])
]
CheckId = Annotated[str, Path(min_length=1, max_length=40, pattern=r"^[A-Za-z0-9_]+$", examples=["check_01K0A"])]
BaselineName = Annotated[str, Path(min_length=1, max_length=100, pattern=NAME_PATTERN, examples=["main"])]
ScheduleName = Annotated[str, Path(min_length=1, max_length=100, pattern=NAME_PATTERN, examples=["nightly"])]
WebhookName = Annotated[str, Path(min_length=1, max_length=100, pattern=NAME_PATTERN, examples=["on-call"])]
AfterName = Annotated[
    str | None,
    Query(
        min_length=1,
        max_length=100,
        pattern=NAME_PATTERN,
        description="Continue after this item: the `next` of a page.",
    ),
]
IdempotencyKey = Annotated[
    str | None,
    Header(
        min_length=1,
        max_length=255,
        pattern=r"^[\x21-\x7e]+$",
        description="Repeating a request with the same key and body creates nothing new.",
    ),
]
Limit = Annotated[int, Query(ge=1, le=200, description="Maximum number of items on the page.")]


def item_of(noun: str) -> object:
    """The parameter `after` of a list whose items have ids `<noun>_...`."""
    return Query(
        max_length=40,
        pattern=rf"^{noun}_[A-Za-z0-9]+$",
        description="Continue after this item: the `next` of a page.",
    )


AfterRun = Annotated[str | None, item_of("run")]
AfterStudy = Annotated[str | None, item_of("study")]
AfterPrescription = Annotated[str | None, item_of("prescription")]
AfterCheck = Annotated[str | None, item_of("check")]
AfterDataset = Annotated[str | None, item_of("data")]

_PROBLEM: dict[str, Any] = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/ProblemDocument"}}}
_MEANING = {
    400: "The body is malformed.",
    401: "The service requires an API key, and the request has none that is valid.",
    403: "The key's scope or the project's quota does not allow it, or a browser sent the request for a page of "
    "another site.",
    404: "Not found.",
    406: "None of the requested media types is available.",
    408: "The body did not arrive in time.",
    409: "Not possible in the current state.",
    413: "The body is too large.",
    415: "The media type of the body is not supported.",
    421: "The service is not known by the host name of the request.",
    422: "The request is not valid. Each error has its place, the value, and what is allowed.",
    429: "Too many requests; the header Retry-After says when to try again.",
    503: "A part of the service is unavailable.",
}


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The problem documents that a route may return, for its OpenAPI description."""
    return {
        status: {"description": _MEANING[status], "model": ProblemDocument, "content": _PROBLEM}
        for status in sorted({*statuses, 503})
    }


BODY_PROBLEMS = (400, 408, 413, 415, 422)
"""Statuses that any route with a JSON body may return."""
