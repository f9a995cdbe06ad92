"""The OpenAPI document, suitable for client generators: named operations, and no defaults that are objects.

It also describes the responses that every operation may give before its route is reached.

app = FastAPI(generate_unique_id_function=operation_id)
app.openapi = document_of(app)
"""

import json
from collections.abc import Callable
from typing import Any

from fastapi import FastAPI
from fastapi.routing import APIRoute

from ...diagnosis.rules import STOPPING_CONDITIONS
from .access import CSRF_HEADER, SESSION_COOKIE, needed_scope
from .cross_site import SAFE_METHODS
from .dependencies import problems
from .rate import UNLIMITED

Document = dict[str, Any]
"""An OpenAPI document, or a part of one."""
_RATE_HEADERS: Document = {
    name: {"description": description, "schema": {"type": "integer"}}
    for name, description in {
        "RateLimit-Limit": "Number of requests that are allowed in the time of the limit.",
        "RateLimit-Remaining": "How many of them are left.",
        "RateLimit-Reset": "Seconds until more are allowed.",
        "Retry-After": "The same.",
    }.items()
}


def operation_id(route: APIRoute) -> str:
    """The operation id of a route in camel case: `create_study` becomes `createStudy`."""
    first, *rest = route.name.split("_")
    return first + "".join(word.title() for word in rest)


def document_of(app: FastAPI, *, requires_keys: bool = False) -> Callable[[], Document]:
    """A function that creates the application's document; defaults that are objects are moved to the description.

    Client generators do not support defaults for models, and omit such fields. If the service requires keys, every
    operation says which scope it needs.
    """
    described = app.openapi

    def document() -> Document:
        if app.openapi_schema is None:
            found = _with_refusals(_with_conditions(_with_words_for_defaults(described())))
            app.openapi_schema = _with_security(found) if requires_keys else found
        return app.openapi_schema

    return document


def _with_words_for_defaults(schema: Any) -> Any:
    if isinstance(schema, list):
        return [_with_words_for_defaults(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    if isinstance(default := schema.get("default"), dict) and not _is_schema(default):
        words = f"{schema.get('description', '')} Default: `{json.dumps(default)}`.".strip()
        schema = {key: value for key, value in schema.items() if key != "default"} | {"description": words}
    return {key: _with_words_for_defaults(value) for key, value in schema.items()}


def _with_conditions(document: Document) -> Document:
    """The document with the conditions on which a run may stop; the model of an experiment does not know them."""
    stop_when = document["components"]["schemas"].get("StopWhen")
    if stop_when is not None:
        stop_when["properties"]["conditions"]["items"] = {"type": "string", "enum": list(STOPPING_CONDITIONS)}
    return document


def _with_refusals(document: Document) -> Document:
    """The document with the refusals of any operation: for its host (421), its rate (429), or its origin (403)."""
    answers = {
        str(status): {key: value for key, value in answer.items() if key != "model"}
        for status, answer in problems(403, 421, 429).items()
    }
    answers["429"]["headers"] = _RATE_HEADERS
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            safe, unlimited = method.upper() in SAFE_METHODS, path.startswith(UNLIMITED)
            left_out = (["403"] if safe else []) + (["429"] if unlimited else [])
            refusals = {status: answer for status, answer in answers.items() if status not in left_out}
            operation["responses"] = dict(sorted({**operation["responses"], **refusals}.items()))
    return document


def _with_security(document: Document) -> Document:
    """The document with the scope that each operation needs, and with its refusals of other requests (401, 403)."""
    document["components"]["securitySchemes"] = {
        "api_key": {
            "type": "http",
            "scheme": "bearer",
            "description": "An API key, `<id>.<secret>`, with one scope: read, run, manage or admin. Each includes "
            "those before it.",
        },
        "session": {
            "type": "apiKey",
            "in": "cookie",
            "name": SESSION_COOKIE,
            "description": "For the pages: the session of somebody who logged in with a key. Requests that change "
            f"something also need the header {CSRF_HEADER}.",
        },
    }
    answers = {
        str(status): {key: value for key, value in answer.items() if key != "model"}
        for status, answer in problems(401, 403).items()
    }
    answers["401"]["headers"] = {
        "WWW-Authenticate": {"description": "Bearer (RFC 6750).", "schema": {"type": "string"}}
    }
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            scope = needed_scope(method.upper(), path)
            operation["security"] = [] if scope is None else [{"api_key": [scope]}, {"session": [scope]}]
            if scope is not None:
                refusals = {status: answers[status] for status in ("401", "403")}
                operation["responses"] = dict(sorted({**operation["responses"], **refusals}.items()))
    return document


def _is_schema(value: Document) -> bool:
    """Whether a value is the schema of a field named `default`, not a default value."""
    return bool(value.keys() & {"$ref", "type", "anyOf", "oneOf", "allOf"})
