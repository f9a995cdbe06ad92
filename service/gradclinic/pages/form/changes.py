"""Reads what a browser sent of a form, and changes the request accordingly."""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from typing import Any

from starlette.exceptions import HTTPException

from ...api.http.allowed import known_keys
from ...api.http.body import parse
from ...kernel.json import JsonObject
from ...kernel.json_schema import Schema

MOST_DEEP = 100
MOST_DIGITS = 400
"""Digits of a whole number; one with more is infinite."""
_WHOLE = re.compile("[+-]?[0-9]+")
_FRACTION = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?")
Submitted = Sequence[tuple[str, str]]
"""Names of controls, as `Field.control` has them, with their texts."""
Draft = dict[str, Any]
"""A request that may not be valid yet."""


def changed(schema: Schema, body: JsonObject, submitted: Submitted) -> Draft:
    """The request with the fields that were submitted; a field that is empty is left to its default.

    Names that belong to no field are ignored, and a text that cannot be read stays as it is, so that validation says
    what is allowed there. Below a union of which another member was chosen, texts belong to the earlier member.
    """
    found: Draft = deepcopy(dict(body))
    replaced: list[str] = []
    for name, text in submitted:
        mode, _, pointer = name.partition(" ")
        if not pointer.startswith("/") or pointer.count("/") > MOST_DEEP:
            continue
        if any(pointer.startswith(f"{each}/") for each in replaced):
            continue
        tokens = _tokens(pointer)
        if mode.startswith("tag:"):
            if _choose(schema, found, tokens, mode.removeprefix("tag:"), text.strip()):
                replaced.append(pointer)
        elif mode in ("group", "add"):
            _create(found, tokens, mode, text.strip())
        elif mode in _READERS:
            _set(found, tokens, _READERS[mode](text.strip()) if text.strip() else None)
    for name, text in submitted:
        if name == "do":
            _do(found, text)
    return found


def _tokens(pointer: str) -> list[str]:
    return [token.replace("~1", "/").replace("~0", "~") for token in pointer.split("/")[1:]]


def _number(text: str) -> object:
    """A number as people write it: `.5` and `+5` are read, `1_0` and `inf` are not, as Python would."""
    if _WHOLE.fullmatch(text) and len(text) <= MOST_DIGITS:
        return int(text)
    return float(text) if _FRACTION.fullmatch(text) else text


def _json(text: str) -> object:
    """JSON within the limits of the API, or else the text itself."""
    try:
        value = parse(text.encode())
    except HTTPException:
        return text
    return value if is_text(value) else text


def is_text(value: object) -> bool:
    """Whether a value can be written as UTF-8: JSON can escape half of a character."""
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return False
    return True


_READERS: Mapping[str, Callable[[str], object]] = {
    "number": _number,
    "text": str,
    "choice": str,
    "flag": lambda text: {"true": True, "false": False}.get(text, text),
    "numbers": lambda text: [_number(each.strip()) for each in text.split(",")],
    "texts": lambda text: [each.strip() for each in text.split(",")],
    "json": _json,
}


def _parent(body: Draft, tokens: Sequence[str], *, create: bool) -> Any:
    """The object or list that has the last token; objects that are missing are created on demand."""
    place: Any = body
    for token in tokens[:-1]:
        inner = place.get(token) if isinstance(place, dict) else _item(place, token)
        if isinstance(inner, str):  # a member of a union that is named alone
            inner = place[int(token) if isinstance(place, list) else token] = {"name": inner}
        if inner is None and create and isinstance(place, dict):
            inner = place[token] = {}
        if not isinstance(inner, dict | list):
            return None
        place = inner
    return place


def _item(place: Any, token: str) -> Any:
    index = _index(token)
    return place[index] if isinstance(place, list) and index is not None and index < len(place) else None


def _index(token: str) -> int | None:
    """The index that a token of a JSON pointer is; None if it is a key."""
    return int(token) if token.isascii() and token.isdigit() and len(token) < 9 else None


def _value(body: Draft, tokens: Sequence[str]) -> Any:
    place: Any = body
    for token in tokens:
        place = place.get(token) if isinstance(place, dict) else _item(place, token)
    return place


def _set(body: Draft, tokens: Sequence[str], value: object) -> None:
    """Set a value; None removes it, and an object that was created for it alone is not left behind."""
    if value is None and _value(body, tokens) is None:
        return
    parent = _parent(body, tokens, create=value is not None)
    if isinstance(parent, dict):
        if value is None:
            parent.pop(tokens[-1], None)
        else:
            parent[tokens[-1]] = value


def _choose(schema: Schema, body: Draft, tokens: Sequence[str], tag: str, chosen: str) -> bool:
    """Choose a member of a union; what the new member has in common with the old one is kept."""
    old = _value(body, tokens)
    if chosen == (old.get(tag, "") if isinstance(old, dict) else old or ""):
        return False
    if not chosen:
        _set(body, tokens, None)
        return True
    parent = _parent(body, tokens, create=True)
    if not isinstance(parent, dict | list) or (isinstance(parent, list) and old is None):
        return False
    _put(parent, tokens[-1], chosen if tag == "name" else {tag: chosen})
    if tag != "name" and isinstance(old, dict):
        place = [index if (index := _index(token)) is not None else token for token in tokens]
        kept = set(known_keys(schema, place, body)) - {tag}
        _put(parent, tokens[-1], {tag: chosen, **{key: value for key, value in old.items() if key in kept}})
    return True


def _put(parent: Any, token: str, value: object) -> None:
    parent[int(token) if isinstance(parent, list) else token] = value


def _create(body: Draft, tokens: Sequence[str], mode: str, text: str) -> None:
    """Add or remove an object that may be missing, or add an item of a chosen kind to a list."""
    old = _value(body, tokens)
    if mode == "group":
        if not text:
            _set(body, tokens, None)
        elif not isinstance(old, dict):
            _set(body, tokens, {})
    elif text:
        _append(body, tokens, {"kind": text})


def _append(body: Draft, tokens: Sequence[str], item: JsonObject) -> None:
    if not isinstance(_value(body, tokens), list):
        _set(body, tokens, [])
    place = _value(body, tokens)
    if isinstance(place, list):
        place.append(dict(item))


def _do(body: Draft, text: str) -> None:
    """`append POINTER`, `remove POINTER` or `up POINTER`, as the buttons of a list say."""
    what, _, pointer = text.partition(" ")
    tokens = _tokens(pointer)
    if what == "append" and tokens:
        _append(body, tokens, {})
        return
    place = _value(body, tokens[:-1])
    if not tokens or _item(place, tokens[-1]) is None:
        return
    index = int(tokens[-1])
    if what == "remove":
        del place[index]
    elif what == "up" and index:
        place[index - 1], place[index] = place[index], place[index - 1]
