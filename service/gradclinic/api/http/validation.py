"""Converts pydantic's validation errors to helpful problems: the place, the value, and what is allowed.

pydantic's paths also contain the tags of unions (`model -> mlp -> depth`). Following the path through the body drops
them, and gives a JSON pointer that the client knows.
"""

import difflib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from pydantic_core import ErrorDetails

from ...kernel.errors import Problem
from ...kernel.json_schema import tags_of
from .allowed import describe, known_keys, schema_at

_TAG_KEYS = ("kind", "name", "scheme")
_MAX_SHOWN = 300
_MISSING = object()
_TOO_SHORT = "should have at least"


def problems_from(
    errors: Iterable[Mapping[str, Any]], *, body: Any, schema: Mapping[str, Any], strip: int = 0
) -> list[Problem]:
    """One problem for each of pydantic's `errors` in `body`, which has the JSON schema `schema`.

    `strip` leading elements of each location are not part of the body (FastAPI puts "body" there).
    """
    problems = [_problem(error, tuple(error["loc"])[strip:], body=body, schema=schema) for error in errors]
    return [problem for problem in problems if not _echo(problem, problems)]


def place_of(error: ErrorDetails, body: Any) -> list[int | str]:
    """The keys and indices in `body` that lead to the place of an error; for a missing key, to its object."""
    loc = tuple(error["loc"])
    return _tokens(loc[:-1], body, of_object=True) if error["type"] == "missing" else _tokens(loc, body)


def escape(token: object) -> str:
    """One token of a JSON pointer (RFC 6901)."""
    return str(token).replace("~", "~0").replace("/", "~1")


def shown(value: Any) -> Any:
    """A value for an error message; long values are cut, so that a response is never larger than the request."""
    if isinstance(value, str) and len(value) > _MAX_SHOWN:
        return value[:_MAX_SHOWN] + "..."
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) >= 10**_MAX_SHOWN:
        return "an integer of more than 300 digits"
    if isinstance(value, bytes):
        return f"{len(value)} bytes"
    if isinstance(value, Mapping | list | tuple) and len(repr(value)) > _MAX_SHOWN:
        kind = "an object" if isinstance(value, Mapping) else "a list"
        return f"{kind} of {len(value)} items"
    return value


def _problem(error: Mapping[str, Any], loc: Sequence[int | str], *, body: Any, schema: Mapping[str, Any]) -> Problem:
    kind, context = error["type"], error.get("ctx") or {}
    tokens = _tokens(loc, body) if kind != "missing" else [*_tokens(loc[:-1], body, of_object=True), *loc[-1:]]
    value = _value_at(tokens, body)
    place = schema_at(schema, tokens, body)
    message, allowed = _words(kind, error, value=value, place=place)
    if kind in ("union_tag_invalid", "union_tag_not_found"):
        tag_key = str(context.get("discriminator", "'kind'")).strip("'")
        allowed = ", ".join(tags_of(place)) or allowed
        if isinstance(value, Mapping):
            tokens = [*tokens, tag_key]
            value = value.get(tag_key, _MISSING)
        named = value if isinstance(value, str) else None
        message = f"unknown {tag_key} {shown(named)!r}" if named is not None else f"{tag_key} is missing or not a name"
        message += _did_you_mean(named, tags_of(place))
    elif kind == "extra_forbidden":
        keys = known_keys(schema, tokens[:-1], body)
        allowed = ", ".join(keys) or "nothing more"
        message = f"unknown key {shown(str(tokens[-1])) if tokens else ''!r}" + _did_you_mean(str(tokens[-1]), keys)
    pointer = "".join(f"/{escape(shown(token))}" for token in tokens)
    return Problem(pointer, message, None if value is _MISSING else shown(value), allowed)


def _words(kind: str, error: Mapping[str, Any], *, value: Any, place: Mapping[str, Any] | None) -> tuple[str, str]:
    if kind == "value_error":
        return str(error["msg"]).removeprefix("Value error, "), ""
    message = str(error["msg"]).removeprefix("Input ").removeprefix("String ")
    context = error.get("ctx") or {}
    match kind:
        case "missing":
            message = "this field is required"
        case "finite_number":
            message = "NaN and infinity cannot be used here"
        case "model_attributes_type" | "model_type" | "dict_type":
            message = f"should be an object, not {_type_of(value)}"
        case "tuple_type" | "list_type":
            message = f"should be a list, not {_type_of(value)}"
        case "int_type" | "float_type" | "string_type" | "bool_type":
            message += f", not {_type_of(value)}"
        case "too_short":
            message = f"{_TOO_SHORT} {context['min_length']} items, not {context['actual_length']}"
        case "too_long":
            message = f"should have at most {context['max_length']} items, not {context['actual_length'] or 'more'}"
        case "recursion_loop":
            message = "is nested too deeply"
    return message, describe(place)


def _type_of(value: Any) -> str:
    if value is None:
        return "null"
    names = {bool: "a boolean", int: "an integer", float: "a number with a fraction", str: "a string"}
    return names.get(type(value), "an object" if isinstance(value, Mapping) else "a list")


def _did_you_mean(word: str | None, known: Sequence[str]) -> str:
    close = difflib.get_close_matches(word[:100], known, n=1) if word else []
    return f"; did you mean {close[0]!r}?" if close else ""


def _tokens(loc: Sequence[int | str], body: Any, *, of_object: bool = False) -> list[int | str]:
    """The elements of `loc` that are keys or indices in `body`, without tags of unions; optionally of an object."""
    complete = _walk(tuple(loc), body, of_object=of_object)
    return complete if complete is not None else _greedy(loc, body)


def _walk(loc: tuple[int | str, ...], value: Any, *, of_object: bool) -> list[int | str] | None:
    """Path through `value` along `loc`; each element is tried first as a key, then as a tag."""
    if not loc:
        return [] if isinstance(value, Mapping) or not of_object else None
    head, rest = loc[0], loc[1:]
    if _has(value, head):
        steps = _walk(rest, value[head], of_object=of_object)
        if steps is not None:
            return [head, *steps]
    if isinstance(value, Mapping) and any(value.get(key) == head for key in _TAG_KEYS):
        return _walk(rest, value, of_object=of_object)
    return None


def _greedy(loc: Sequence[int | str], value: Any) -> list[int | str]:
    steps: list[int | str] = []
    for element in loc:
        if _has(value, element):
            steps.append(element)
            value = value[element]
    return steps


def _has(value: Any, element: int | str) -> bool:
    if isinstance(value, Mapping):
        return element in value
    return isinstance(value, list | tuple) and isinstance(element, int) and 0 <= element < len(value)


def _value_at(tokens: Sequence[int | str], value: Any) -> Any:
    for token in tokens:
        if not _has(value, token):
            return _MISSING
        value = value[token]
    return value


def _echo(problem: Problem, problems: Sequence[Problem]) -> bool:
    """Whether a problem only reports a list as too short because its items are invalid, which is reported anyway."""
    echoes = problem.message.startswith(_TOO_SHORT)
    return echoes and any(other.pointer.startswith(problem.pointer + "/") for other in problems)
