"""Unknown query parameters are refused: otherwise `?stauts=failed` would return all runs. So is one that is given twice
where one value is allowed: otherwise all but the last would be ignored. So are numbers, booleans and times that are not
written as the schema says.

So are values with a NUL character, which PostgreSQL cannot compare with any text.
"""

import difflib
from collections import Counter
from collections.abc import Iterator
from typing import get_args, get_origin

from fastapi import Request
from fastapi.concurrency import run_in_threadpool
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute

from ...kernel.errors import InvalidRequest, NotFound, Problem
from ...kernel.plain_values import refused_form
from .validation import shown

ONE_VALUE = ("Idempotency-Key", "X-Project", "Authorization")
"""Headers of which the service reads one value: of several, it would ignore all but the first."""


async def only_known_parameters(request: Request) -> None:
    """Like `refuse_unknown`, in a thread if there is a query. Without one, as of `/livez`, it waits for none.

    Raises InvalidRequest for a header that is given twice, too, of those that take one value.
    """
    for name in ONE_VALUE:
        if len(given := request.headers.getlist(name)) > 1:
            raise InvalidRequest.at("", f"the header {name} is given {len(given)} times", allowed="once")
    if request.query_params or "\0" in request.url.path:
        await run_in_threadpool(refuse_unknown, request)


def refuse_unknown(request: Request) -> None:
    """Raises InvalidRequest for a NUL in a query and, on routes that document status 422, for unknown parameters.

    Raises NotFound for a NUL in the path: no name or id has one.
    """
    if "\0" in request.url.path or any("\0" in str(value) for value in request.path_params.values()):
        raise NotFound("a path with a NUL character does not exist")
    values = request.query_params.multi_items()
    if broken := dict.fromkeys(name for name, value in values if "\0" in value):
        raise InvalidRequest([_nul(name) for name in broken])
    route = request.scope.get("route")
    if not isinstance(route, APIRoute) or 422 not in route.responses:
        return
    annotations = dict(_parameters(route.dependant))
    known = sorted(annotations)
    given = Counter(name for name, _ in values)
    if unknown := [name for name in given if name not in annotations]:
        raise InvalidRequest([_problem(name, known) for name in unknown])
    if twice := [name for name, count in given.items() if count > 1 and not _is_list(annotations[name])]:
        raise InvalidRequest([Problem(f"/{name}", f"is given {given[name]} times", None, "once") for name in twice])
    refused = [(name, value, refused_form(annotations[name], value)) for name, value in values]
    if problems := [_wrong_form(name, value, form.words) for name, value, form in refused if form]:
        raise InvalidRequest(problems)


def _wrong_form(name: str, value: str, words: str) -> Problem:
    return Problem(f"/{name}", f"should be {words}", shown(value), words)


def _nul(name: str) -> Problem:
    return Problem(f"/{name[:100]}", "contains a NUL character", None, "text without NUL characters")


def _parameters(dependant: Dependant) -> Iterator[tuple[str, object]]:
    """The parameters of a route, with their annotations."""
    for field in dependant.query_params:
        yield field.alias, field.field_info.annotation
    for part in dependant.dependencies:
        yield from _parameters(part)


def _is_list(annotation: object) -> bool:
    """Whether a parameter can be given several times."""
    return get_origin(annotation) in (list, tuple) or any(map(_is_list, get_args(annotation)))


def _problem(name: str, known: list[str]) -> Problem:
    close = difflib.get_close_matches(name[:100], known, n=1)
    guess = f"; did you mean {close[0]!r}?" if close else ""
    return Problem(f"/{name[:100]}", f"unknown parameter{guess}", None, ", ".join(known) or "no parameters")
