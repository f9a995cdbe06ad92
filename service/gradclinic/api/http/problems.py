"""All errors as RFC 9457 problem documents; a 500 never contains the text of the exception."""

import logging
import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ConfigDict, TypeAdapter
from starlette.exceptions import HTTPException
from starlette.routing import Match

from ...kernel.errors import (
    BodyTooLarge,
    Conflict,
    Forbidden,
    GradclinicError,
    InsufficientData,
    InvalidRequest,
    InvalidSpec,
    NotFound,
    Problem,
    QuotaExceeded,
    ServiceUnavailable,
)
from .plain_json import dump
from .validation import problems_from

MEDIA_TYPE = "application/problem+json"
_STATUS: Mapping[type[GradclinicError], int] = {
    Forbidden: 403,
    QuotaExceeded: 403,
    InvalidRequest: 422,
    BodyTooLarge: 413,
    NotFound: 404,
    Conflict: 409,
    InsufficientData: 409,
    ServiceUnavailable: 503,
}
"""The HTTP status of each kind of error, the first that fits; all others are internal errors."""
_CHOICE = re.compile(r"\^\((?P<names>[\w|-]+)\)\??\$")
"""A pattern of names to choose from, as `^(first|second)?$`."""
_MOST = 50
"""Maximum number of problems in one response."""

log = logging.getLogger(__name__)


class ProblemEntry(BaseModel):
    """One problem with a request."""

    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True)

    detail: str
    """Description of the problem."""
    pointer: str | None
    """JSON pointer into the request's body; null if the error is not in the body."""
    parameter: str | None
    """Name of the query, path or header parameter; null if the error is in the body."""
    value: Any
    """The value that was sent; null if there was none."""
    allowed: str | None
    """What is allowed there."""


class ProblemDocument(BaseModel):
    """An error as a problem document (RFC 9457)."""

    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True)

    type: str
    """Identifies the kind of problem."""
    title: str
    """Title of the kind of problem."""
    status: int
    """The HTTP status."""
    detail: str
    """Description of this problem."""
    code: str
    """The kind of problem as a stable name for programs."""
    instance: str
    """The requested path."""
    errors: list[ProblemEntry]
    """The problems of the request; empty if the request is not at fault."""


def install(app: FastAPI) -> None:
    """Make the application return all errors as problem documents."""
    app.add_exception_handler(GradclinicError, on_own_error)
    app.add_exception_handler(RequestValidationError, _on_invalid_request)
    app.add_exception_handler(HTTPException, on_http_error)
    app.add_exception_handler(Exception, _on_unforeseen)


def problem(
    request: Request,
    *,
    status: int,
    code: str,
    title: str,
    detail: str,
    entries: Sequence[Mapping[str, Any]] = (),
    headers: Mapping[str, str] | None = None,
) -> Response:
    """A problem document as a response."""
    document = {
        "type": f"urn:gradclinic:problem:{code}",
        "title": title,
        "status": status,
        "detail": detail,
        "code": code,
        "instance": request.scope["path"],
        "errors": list(entries),
    }
    return Response(dump(document), status, dict(headers or {}), media_type=MEDIA_TYPE)


def _entry(found: Problem, request: Request | None = None) -> dict[str, Any]:
    """The entry for a problem; if its place is a query parameter of the request, `parameter` names it."""
    place = found.pointer.removeprefix("/")
    in_query = request is not None and bool(place) and place in request.query_params
    return {
        "detail": found.message,
        "pointer": None if in_query else found.pointer,
        "parameter": place if in_query else None,
        "value": found.value,
        "allowed": found.allowed or None,
    }


def on_own_error(request: Request, error: Exception) -> Response:
    """One of gradclinic's own errors as a problem document."""
    if not isinstance(error, GradclinicError):
        raise TypeError("only gradclinic's own errors come here")
    status = status_of(error)
    if status == 500:
        return _on_unforeseen(request, error)
    entries = [_entry(found, request) for found in error.problems[:_MOST]] if isinstance(error, InvalidRequest) else []
    headers = {"Retry-After": "5"} if isinstance(error, ServiceUnavailable) else {}
    return problem(
        request,
        status=status,
        code=error.code,
        title=error.title,
        detail=_sentence(error, entries),
        entries=entries,
        headers=headers,
    )


def status_of(error: GradclinicError) -> int:
    """The HTTP status of an error; 500 for internal errors."""
    return next((status for kind, status in _STATUS.items() if isinstance(error, kind)), 500)


def _sentence(error: GradclinicError, entries: Sequence[Mapping[str, Any]]) -> str:
    if not isinstance(error, InvalidRequest):
        return str(error)
    first = entries[0]
    more = len(error.problems) - 1
    place = first["pointer"] or first["parameter"]
    return (f"{place[:300]}: " if place else "") + str(first["detail"]) + (f" (and {more} more)" if more else "")


def _on_invalid_request(request: Request, error: Exception) -> Response:
    if not isinstance(error, RequestValidationError):
        raise TypeError("only validation errors come here")
    errors = error.errors()[:_MOST]
    in_body = [found for found in errors if found["loc"][0] == "body"]
    elsewhere = [found for found in errors if found["loc"][0] != "body"]
    problems = problems_from(in_body, body=error.body, schema=_body_schema(request), strip=1)
    entries = [_entry(found) for found in problems] + [parameter_entry(found) for found in elsewhere]
    first = entries[0]
    place = (first["pointer"] or first["parameter"] or "the body")[:300]
    more = f" (and {len(entries) - 1} more)" if len(entries) > 1 else ""
    return problem(
        request,
        status=422,
        code=InvalidSpec.code if in_body else InvalidRequest.code,
        title=InvalidSpec.title if in_body else InvalidRequest.title,
        detail=f"{place}: {first['detail']}{more}",
        entries=entries,
    )


def parameter_entry(error: Mapping[str, Any]) -> dict[str, Any]:
    """The entry for a parameter of the query, path or headers that is not valid."""
    value = error.get("input")
    return {
        "detail": _parameter_detail(error["type"], str(error["msg"]), error.get("ctx", {}).get("pattern", "")),
        "pointer": None,
        "parameter": str(error["loc"][1]),
        "value": value[:300] if isinstance(value, str) else None,
        "allowed": None,
    }


def _parameter_detail(kind: str, message: str, pattern: str) -> str:
    if kind == "missing":
        return "this parameter is required"
    choice = _CHOICE.fullmatch(pattern)
    if choice is not None:
        return "should be one of " + ", ".join(choice["names"].split("|"))
    return message.removeprefix("Input ").removeprefix("String ").removeprefix("Value error, ")


def _body_schema(request: Request) -> Mapping[str, Any]:
    field = getattr(request.scope.get("route"), "body_field", None)
    return _schema_of(field.field_info.annotation) if field is not None else {}


@lru_cache(maxsize=64)
def _schema_of(model: Any) -> Mapping[str, Any]:
    schema: Mapping[str, Any] = TypeAdapter(model).json_schema()
    return schema


_CODES = {
    400: "malformed_request",
    404: "not_found",
    405: "method_not_allowed",
    406: "not_acceptable",
    413: "body_too_large",
    415: "unsupported_media_type",
}


def on_http_error(request: Request, error: Exception) -> Response:
    """An error of the router or the body parser as a problem document."""
    if not isinstance(error, HTTPException):
        raise TypeError("only HTTP errors come here")
    phrase = HTTPStatus(error.status_code).phrase
    if error.status_code < 400 or error.status_code in (204, 304):
        return Response(status_code=error.status_code, headers=error.headers)
    detail = error.detail if error.detail != phrase else _details(request, error.status_code, phrase)
    code = _CODES.get(error.status_code, phrase.lower().replace(" ", "_"))
    headers = dict(error.headers or {})
    if error.status_code == 405:
        headers["Allow"] = ", ".join(_methods_at(request))
    return problem(request, status=error.status_code, code=code, title=phrase, detail=detail, headers=headers)


def _methods_at(request: Request) -> list[str]:
    """The methods of all routes at this path; the router would list only those of the first route."""
    allowed = [
        method
        for method in ("DELETE", "GET", "PATCH", "POST", "PUT")
        if any(route.matches({**request.scope, "method": method})[0] is Match.FULL for route in request.app.routes)
    ]
    return sorted([*allowed, "HEAD"] if "GET" in allowed else allowed)


def _details(request: Request, status: int, phrase: str) -> str:
    match status:
        case 404:
            return f"There is nothing at {request.url.path[:200]}."
        case 405:
            return f"{request.method} is not supported at {request.url.path[:200]}."
        case 413:
            return "The body is larger than this service accepts."
    return phrase


def _on_unforeseen(request: Request, error: Exception) -> Response:
    log.error("%s %s failed", request.method, request.url.path, exc_info=error)
    return problem(
        request,
        status=500,
        code="internal_error",
        title="Internal error",
        detail="The service could not answer this request. Its log has the reason.",
        headers={"Connection": "close"},  # the server ends it, so that a client does not send its next request there
    )
