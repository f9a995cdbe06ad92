"""JSON schemas in words."""

import re

from .json import JsonObject
from .names import NAME_PATTERN

Schema = JsonObject
_IN_FULL = 1e15
"""Smaller whole numbers are written with all their digits."""


def tags_of(schema: Schema | None) -> list[str]:
    """The discriminator values of a union."""
    if schema is None:
        return []
    found = list(schema.get("discriminator", {}).get("mapping", {}))
    for branch in schema.get("anyOf", ()):
        found += branch.get("enum", []) or list(branch.get("discriminator", {}).get("mapping", {}))
    return found


def resolved(root: Schema, schema: Schema | None) -> Schema | None:
    """A schema, or the one of `root` that it refers to."""
    while schema is not None and "$ref" in schema:
        schema = root["$defs"][schema["$ref"].rsplit("/", 1)[-1]]
    return schema


def phrase(root: Schema, schema: Schema) -> str:
    """What a schema allows, for example "an integer from 1 to 1,000"; "" if it has no constraints."""
    schema = resolved(root, schema) or {}
    if "const" in schema:
        return repr(schema["const"])
    if "enum" in schema:
        return "one of " + ", ".join(str(value) for value in schema["enum"])
    if "discriminator" in schema:
        return f"an object whose {schema['discriminator']['propertyName']} is one of {', '.join(tags_of(schema))}"
    if "anyOf" in schema:
        phrases = dict.fromkeys(phrase(root, branch) for branch in schema["anyOf"])
        return " or ".join(each for each in phrases if each)
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
    if schema.get("pattern") == NAME_PATTERN:
        return " of letters, digits, dots, underscores and hyphens, beginning with a letter or digit"
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
    """A bound as people write it: 1,000,000, 0.5, 1e30, 1e-6."""
    if bound == round(bound) and abs(bound) < _IN_FULL:
        return f"{round(bound):,}"
    return re.sub(r"e\+?(-?)0*", r"e\1", f"{bound:g}")


def _counted(schema: Schema, what: str, unit: str) -> str:
    least, most = schema.get(f"min{what}"), schema.get(f"max{what}")
    if least is not None and most is not None:
        return f" of {least:,} to {most:,} {unit}"
    if most is not None:
        return f" of at most {most:,} {unit}"
    return f" of at least {least:,} {unit}" if least is not None else ""
