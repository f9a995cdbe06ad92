"""What routes ask for: the service behind them, and what requests have in common."""

from typing import Annotated, Any, cast

from fastapi import Depends, Header, Path, Query, Request

from ...kernel.names import NAME_PATTERN
from ...use_cases.service import Service
from .problems import ProblemDocument


def _service(request: Request) -> Service:
    return cast(Service, request.app.state.service)


TheService = Annotated[Service, Depends(_service)]

RunId = Annotated[str, Path(min_length=1, max_length=40, pattern=r"^[A-Za-z0-9_]+$", examples=["run_01K0A"])]
StudyId = Annotated[str, Path(min_length=1, max_length=40, pattern=r"^[A-Za-z0-9_]+$", examples=["study_01K0A"])]
PrescriptionId = Annotated[
    str, Path(min_length=1, max_length=40, pattern=r"^[A-Za-z0-9_]+$", examples=["prescription_01K0A"])
]
CheckId = Annotated[str, Path(min_length=1, max_length=40, pattern=r"^[A-Za-z0-9_]+$", examples=["check_01K0A"])]
BaselineName = Annotated[str, Path(min_length=1, max_length=100, pattern=NAME_PATTERN, examples=["main"])]
ScheduleName = Annotated[str, Path(min_length=1, max_length=100, pattern=NAME_PATTERN, examples=["nightly"])]
AfterName = Annotated[
    str | None,
    Query(min_length=1, max_length=100, pattern=NAME_PATTERN, description="Continue after this item: a page's `next`."),
]
IdempotencyKey = Annotated[
    str | None,
    Header(
        min_length=1,
        max_length=255,
        pattern=r"^[\x21-\x7e]+$",
        description="Sent again with the same key and body, the request creates nothing more.",
    ),
]
Limit = Annotated[int, Query(ge=1, le=200, description="Most items of a page.")]
After = Annotated[
    str | None,
    Query(
        min_length=1,
        max_length=40,
        pattern=r"^[A-Za-z0-9_]+$",
        description="Continue after this item: a page's `next`.",
    ),
]

_PROBLEM: dict[str, Any] = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/ProblemDocument"}}}
_MEANING = {
    400: "The body is malformed.",
    404: "There is no such thing.",
    406: "None of the media types asked for can be answered.",
    409: "The present state forbids it.",
    413: "The body is too large.",
    415: "The body is not JSON.",
    422: "The request is not valid; each problem names its place, the value, and what is allowed.",
    503: "A part of the service cannot be reached now.",
}


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The problem documents that a route may answer, for its OpenAPI description."""
    return {
        status: {"description": _MEANING[status], "model": ProblemDocument, "content": _PROBLEM}
        for status in sorted({*statuses, 503})
    }


BODY_PROBLEMS = (400, 413, 415, 422)
"""What any route with a JSON body may answer."""
