"""The catalogue as text: one line for each entry of a section, or one entry with all its fields."""

import json
from collections.abc import Mapping, Sequence

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from ..kernel.json import JsonObject
from ..kernel.json_schema import Schema, phrase, resolved, tags_of

TAGS = ("kind", "name", "scheme")
"""The fields that say which entry an object is."""


def section_words(name: str, entries: Sequence[JsonObject]) -> RenderableType:
    """The name of a section, and one line for each of its entries."""
    widest = max((len(entry["kind"]) for entry in entries), default=0)
    lines = [Text(f"  {entry['kind']:<{widest}}  {entry['help']}") for entry in entries]
    return Group(Text(name, style="bold"), *lines)


def entry_words(section: str, entry: JsonObject) -> RenderableType:
    """One entry: what it is, its source, an example, and for each field what is allowed and the default."""
    schema = entry["schema"]
    head = Text.assemble((entry["kind"], "bold"), f"  ({section})")
    facts = Table.grid(padding=(0, 2, 0, 0))
    facts.add_column(min_width=8, no_wrap=True, style="dim")
    facts.add_column()
    for name in ("source", "per", "unit", "shape", "recorded"):
        if entry.get(name):
            facts.add_row(name, Text(str(entry[name])))
    if example := _example(entry["kind"], schema):
        facts.add_row("example", Text(example))
    parts: list[RenderableType] = [head, Padding(Text(entry["help"]), (0, 0, 0, 2)), Padding(facts, (0, 0, 0, 2))]
    if "thresholds" in entry:
        return Group(*parts, *_listed("thresholds", [_threshold(each) for each in entry["thresholds"]]))
    fields = {name: field for name, field in schema.get("properties", {}).items() if name not in TAGS}
    return Group(*parts, *_listed("fields", [_field(schema, name, field) for name, field in fields.items()]))


def _listed(heading: str, found: Sequence[RenderableType]) -> list[RenderableType]:
    return [Text(f"\n{heading}", style="bold"), *found] if found else []


def _threshold(threshold: JsonObject) -> RenderableType:
    return _paragraph(threshold["name"], f"{threshold['default']:g} {threshold['unit']}", threshold["help"])


def _field(root: Schema, name: str, field: Schema) -> RenderableType:
    default = f"default {json.dumps(field['default'])}" if "default" in field else "required"
    said = ". ".join(part.rstrip(".") for part in (_allowed(root, field), str(field.get("description", ""))) if part)
    return _paragraph(name, default if len(default) <= 40 else "optional", f"{said[:1].upper()}{said[1:]}.")


def _paragraph(name: str, note: str, words: str) -> RenderableType:
    return Group(
        Text.assemble("  ", (name, "bold"), f"  ({note})"), Padding(Text(" ".join(words.split())), (0, 0, 0, 6))
    )


def _allowed(root: Schema, field: Schema) -> str:
    found = resolved(root, field) or {}
    if tags := tags_of(found):
        null = " or null" if {"type": "null"} in found.get("anyOf", ()) else ""
        return f"one of {', '.join(map(str, tags))}{null}"
    return phrase(root, field)


def _example(kind: str, schema: Schema) -> str:
    """The JSON of a valid object, as short as possible; "" if there is none."""
    properties: Mapping[str, Schema] = schema.get("properties", {})
    tag = next((name for name in TAGS if "const" in properties.get(name, {})), None)
    if tag is None:
        return ""
    needed = {name: _value(schema, properties[name]) for name in schema.get("required", ()) if name != tag}
    return "" if None in needed.values() else json.dumps({tag: kind, **needed})


def _value(root: Schema, field: Schema) -> object:
    found = resolved(root, field) or {}
    if tags := tags_of(found):
        key = found.get("discriminator", {}).get("propertyName")
        return {key: tags[0]} if key else tags[0]
    for key in ("const", "enum", "minimum"):
        if key in found:
            return found[key][0] if key == "enum" else found[key]
    return None
