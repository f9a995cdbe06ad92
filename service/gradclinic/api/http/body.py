"""Reads the body of a request: JSON only, limited in size and depth, and without silently dropping anything."""

import json
from collections.abc import Callable, Coroutine
from typing import Any, NoReturn

from fastapi import Request, Response
from fastapi.routing import APIRoute
from pydantic import TypeAdapter
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException

from ...kernel.duplicate import first_duplicate
from .first_errors import refuse_many_errors

MAX_DEPTH = 100
"""Maximum nesting of objects and lists; a network with residual blocks nested 40 deep needs 85."""
MAX_VALUES = 100_000
"""Maximum number of items of all lists and members of all objects. The recorder sends at most 90,000 values at once."""
_READ_INLINE_BYTES = 16 * 2**10
"""Larger bodies are parsed in a thread, and refused there if they have very many errors, so that the event loop can
answer others. 16 KiB take less than a millisecond; starting a thread's work takes about a tenth of one."""


class StrictJSONRequest(Request):
    """A request with a strict JSON parser; ambiguous bodies are refused."""

    async def json(self) -> Any:
        """The body as JSON; NaN and Infinity are accepted here, so that validation can name their field."""
        if not hasattr(self, "_json"):
            body = await self.body()
            is_small = len(body) <= _READ_INLINE_BYTES
            self._json = parse(body) if is_small else await run_in_threadpool(parse, body)
        return self._json


class StrictJSONRoute(APIRoute):
    """A route that accepts JSON bodies only, and refuses others with a 415."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()
        body = self.body_field
        adapter: TypeAdapter[Any] | None = None
        if body is not None and body.field_info.annotation is not None:
            adapter = TypeAdapter(body.field_info.annotation)

        async def handle_strictly(request: Request) -> Response:
            strict = StrictJSONRequest(request.scope, request.receive)
            if adapter is not None:
                _check_content_type(request)
                if len(await strict.body()) > _READ_INLINE_BYTES:
                    value = await strict.json()
                    await run_in_threadpool(refuse_many_errors, adapter, value, most_values=MAX_VALUES)
            return await handle(strict)

        return handle_strictly


def parse(body: bytes) -> Any:
    """The JSON value in `body`; raises a 400 that states where it is malformed."""
    try:
        value = json.loads(body.decode("utf-8"), object_pairs_hook=_without_duplicates)
    except UnicodeDecodeError as error:
        _malformed(f"The body is not UTF-8 text: byte {error.start} cannot be read.")
    except json.JSONDecodeError as error:
        _malformed(f"The body is not JSON: {error.msg} at line {error.lineno}, column {error.colno}.")
    except RecursionError:
        _malformed(f"The body is nested too deeply: more than {MAX_DEPTH} objects and lists.")
    except ValueError as error:
        _malformed(f"The body contains a number that cannot be read: {str(error).split(';', maxsplit=1)[0]}.")
    _check_size(value)
    return value


def _without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    duplicate = first_duplicate(key for key, _ in pairs) if len(found) < len(pairs) else None
    if duplicate is not None:
        _malformed(f"The key {duplicate[:100]!r} appears twice in one object.")
    return found


def _check_size(value: Any) -> None:
    level, values = [value], 0
    for _ in range(MAX_DEPTH):
        level = [
            child
            for item in level
            if isinstance(item, dict | list)
            for child in (item.values() if isinstance(item, dict) else item)
        ]
        if not level:
            return
        values += len(level)
        if values > MAX_VALUES:
            raise HTTPException(413, f"The body has more than {MAX_VALUES:,} values in its lists and objects.")
    if any(isinstance(item, dict | list) for item in level):
        _malformed(f"The body is nested too deeply: more than {MAX_DEPTH} objects and lists.")


def _check_content_type(request: Request) -> None:
    declared = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    is_json = declared == "application/json" or (declared.startswith("application/") and declared.endswith("+json"))
    empty = request.headers.get("content-length") == "0" or not (
        "content-length" in request.headers or "transfer-encoding" in request.headers
    )
    if not is_json and not empty:
        raise HTTPException(415, f"The body must be application/json, not {declared or 'of unknown type'}.")


def _malformed(detail: str) -> NoReturn:
    raise HTTPException(400, detail)
