"""Descriptions, from the JSON schema, of what is allowed at a place in a request."""

from collections.abc import Mapping, Sequence
from typing import Any

Schema = Mapping[str, Any]

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
    place: Schema | None = _resolved(root, root)
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
        place = _resolved(root, place)
    return place, value


def describe(schema: Schema | None) -> str:
    """A phrase for what a schema allows; "" if it has no constraints."""
    if schema is None:
        return ""
    phrase = _phrase(schema.get("$root", schema), schema)
    return phrase if len(phrase) <= _LONGEST else phrase[:_LONGEST] + "..."


def tags_of(schema: Schema | None) -> list[str]:
    """The discriminator values of a union."""
    if schema is None:
        return []
    found = list(schema.get("discriminator", {}).get("mapping", {}))
    for branch in schema.get("anyOf", ()):
        found += branch.get("enum", []) or list(branch.get("discriminator", {}).get("mapping", {}))
    return found


def _resolved(root: Schema, schema: Schema | None) -> Schema | None:
    while schema is not None and "$ref" in schema:
        schema = root["$defs"][schema["$ref"].rsplit("/", 1)[-1]]
    return schema


def _narrowed(root: Schema, schema: Schema | None, value: Any) -> Schema | None:
    if schema is None:
        return None
    if "discriminator" in schema and isinstance(value, Mapping):
        tag = value.get(schema["discriminator"]["propertyName"])
        reference = schema["discriminator"]["mapping"].get(tag) if isinstance(tag, str) else None
        return _resolved(root, {"$ref": reference}) if reference else None
    for branch in schema.get("anyOf", ()):
        resolved = _resolved(root, branch)
        narrowed = _narrowed(root, resolved, value)
        if narrowed is not None and _could_hold(narrowed, value):
            return narrowed
    return schema if "anyOf" not in schema else None


def _could_hold(schema: Schema, value: Any) -> bool:
    if isinstance(value, Mapping):
        names = schema.get("properties", {}).get("name", {})
        return schema.get("type") == "object" and names.get("const", value.get("name")) == value.get("name")
    return schema.get("type") == "array" if isinstance(value, list | tuple) else True


def _phrase(root: Schema, schema: Schema) -> str:
    schema = _resolved(root, schema) or {}
    if "const" in schema:
        return repr(schema["const"])
    if "enum" in schema:
        return "one of " + ", ".join(str(value) for value in schema["enum"])
    if "discriminator" in schema:
        return f"an object whose {schema['discriminator']['propertyName']} is one of {', '.join(tags_of(schema))}"
    if "anyOf" in schema:
        phrases = dict.fromkeys(_phrase(root, branch) for branch in schema["anyOf"])
        return " or ".join(phrase for phrase in phrases if phrase)
    return _phrase_for_type(schema)


def _phrase_for_type(schema: Schema) -> str:
    keys = ", ".join(schema.get("properties", {}))
    phrases = {
        "integer": "an integer" + _range(schema),
        "number": "a number" + _range(schema),
        "boolean": "true or false",
        "null": "null",
        "string": "a string" + _counted(schema, "Length", "characters") + _pattern(schema),
        "array": "a list" + _counted(schema, "Items", "items"),
        "object": f"an object with the keys {keys}" if keys else "an object" + _counted(schema, "Properties", "items"),
    }
    return phrases.get(str(schema.get("type")), "")


def _pattern(schema: Schema) -> str:
    return f" that matches {schema['pattern']}" if "pattern" in schema else ""


def _range(schema: Schema) -> str:
    low, high = schema.get("minimum"), schema.get("maximum")
    above, below = schema.get("exclusiveMinimum"), schema.get("exclusiveMaximum")
    if low is not None and high is not None:
        return f" from {_number(low)} to {_number(high)}"
    parts = [
        f"{word} {_number(bound)}"
        for word, bound in (("at least", low), ("above", above), ("at most", high), ("below", below))
        if bound is not None
    ]
    return f" {' and '.join(parts)}" if parts else ""


def _number(bound: float) -> str:
    return f"{bound:,}" if isinstance(bound, int) else f"{bound:g}"


def _counted(schema: Schema, what: str, unit: str) -> str:
    least, most = schema.get(f"min{what}"), schema.get(f"max{what}")
    if least is not None and most is not None:
        return f" of {least:,} to {most:,} {unit}"
    if most is not None:
        return f" of at most {most:,} {unit}"
    return f" of at least {least:,} {unit}" if least is not None else ""
