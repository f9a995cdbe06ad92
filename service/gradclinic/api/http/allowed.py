"""Descriptions, from the JSON schema, of what is allowed at a place in a request."""

from collections.abc import Mapping, Sequence
from typing import Any

from ...kernel.json_schema import Schema, phrase, resolved

_LONGEST = 400


def schema_at(root: Schema, tokens: Sequence[int | str], body: Any) -> Schema | None:
    """The schema at the place `tokens`; unions on the path are narrowed by the values in `body`."""
    place, _ = _walk(root, tokens, body)
    return None if place is None else {**place, "$root": root}


def known_keys(root: Schema, tokens: Sequence[int | str], body: Any) -> list[str]:
    """The keys that the object at `tokens` may have; empty if no object is allowed there."""
    place, value = _walk(root, tokens, body)
    return list((_narrowed(root, place, value) or {}).get("properties", {}))


def _walk(root: Schema, tokens: Sequence[int | str], value: Any) -> tuple[Schema | None, Any]:
    place: Schema | None = resolved(root, root)
    for token in tokens:
        place = _narrowed(root, place, value)
        if place is None:
            return None, None
        if isinstance(token, int):
            place = place.get("items")
            value = value[token] if isinstance(value, list | tuple) and token < len(value) else None
        else:
            extra = place.get("additionalProperties") or next(iter(place.get("patternProperties", {}).values()), None)
            place = place.get("properties", {}).get(token, extra if isinstance(extra, Mapping) else None)
            value = value.get(token) if isinstance(value, Mapping) else None
        place = resolved(root, place)
    return place, value


def describe(schema: Schema | None) -> str:
    """A phrase for what a schema allows; "" if it has no constraints."""
    if schema is None:
        return ""
    text = phrase(schema.get("$root", schema), schema)
    return text if len(text) <= _LONGEST else text[:_LONGEST] + "..."


def _narrowed(root: Schema, schema: Schema | None, value: Any) -> Schema | None:
    if schema is None:
        return None
    if "discriminator" in schema and isinstance(value, Mapping):
        tag = value.get(schema["discriminator"]["propertyName"])
        reference = schema["discriminator"]["mapping"].get(tag) if isinstance(tag, str) else None
        return resolved(root, {"$ref": reference}) if reference else None
    for branch in schema.get("anyOf", ()):
        narrowed = _narrowed(root, resolved(root, branch), value)
        if narrowed is not None and _could_hold(narrowed, value):
            return narrowed
    return schema if "anyOf" not in schema else None


def _could_hold(schema: Schema, value: Any) -> bool:
    if isinstance(value, Mapping):
        names = schema.get("properties", {}).get("name", {})
        return schema.get("type") == "object" and names.get("const", value.get("name")) == value.get("name")
    return schema.get("type") == "array" if isinstance(value, list | tuple) else True
