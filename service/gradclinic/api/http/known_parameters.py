"""Unknown query parameters are refused: otherwise `?stauts=failed` would return all runs.

So are values with a NUL character, which PostgreSQL cannot compare with any text.
"""

import difflib
from collections.abc import Iterator

from fastapi import Request
from fastapi.concurrency import run_in_threadpool
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute

from ...kernel.errors import InvalidRequest, NotFound, Problem


async def only_known_parameters(request: Request) -> None:
    """Like `refuse_unknown`, in a thread if there is a query. Without one, as of `/livez`, it waits for none."""
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
    known = sorted(set(_names(route.dependant)))
    unknown = [name for name in dict.fromkeys(request.query_params) if name not in known]
    if unknown:
        raise InvalidRequest([_problem(name, known) for name in unknown])


def _nul(name: str) -> Problem:
    return Problem(f"/{name[:100]}", "contains a NUL character", None, "text without NUL characters")


def _names(dependant: Dependant) -> Iterator[str]:
    for field in dependant.query_params:
        yield field.alias
    for part in dependant.dependencies:
        yield from _names(part)


def _problem(name: str, known: list[str]) -> Problem:
    close = difflib.get_close_matches(name[:100], known, n=1)
    guess = f"; did you mean {close[0]!r}?" if close else ""
    return Problem(f"/{name[:100]}", f"unknown parameter{guess}", None, ", ".join(known) or "no parameters")
