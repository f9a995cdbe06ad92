"""What kind of field a place in a JSON schema is."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from ...kernel.json_schema import Schema, resolved
from ...kernel.spec import TAGS

Kind = Literal["number", "text", "numbers", "texts", "json", "flag", "choice", "union", "group", "list"]
"""`numbers` and `texts` are lists in one line; `json` is a place that has no other form."""


@dataclass(frozen=True)
class Shape:
    """The kind of a field, and what belongs to it."""

    kind: Kind
    nullable: bool = False
    schema: Schema | None = None
    """The schema of a group, or of the items of a list."""
    names: tuple[str, ...] = ()
    """What can be chosen."""
    tag: str = ""
    """The key that tells the members of a union apart."""
    members: Mapping[str, Schema] | None = None
    """The members of a union by their tag."""


def shape_of(root: Schema, schema: Schema) -> Shape:
    """The shape of a place whose schema may be a reference or a union."""
    branches = list(_branches(root, schema))
    nullable = any(branch.get("type") == "null" for branch in branches)
    branches = [branch for branch in branches if branch.get("type") != "null"]
    union = _union(branches, nullable=nullable)
    if union is not None:
        return union
    names = tuple(str(name) for branch in branches for name in _names(branch))
    if names and all(_names(branch) for branch in branches):
        return Shape("choice", nullable, names=names)
    if {branch.get("type") for branch in branches} <= {"integer", "number"}:
        return Shape("number", nullable)
    if len(branches) != 1:
        return Shape("json", nullable)
    return _single(root, branches[0], nullable=nullable)


def _branches(root: Schema, schema: Schema) -> Iterator[Schema]:
    found = resolved(root, schema) or {}
    inner = [*found.get("anyOf", ()), *found.get("oneOf", ())]
    if not inner:
        yield found
    for branch in inner:
        yield from _branches(root, branch)


def _names(schema: Schema) -> list[object]:
    return [schema["const"]] if "const" in schema else list(schema.get("enum", ()))


def _union(branches: list[Schema], *, nullable: bool) -> Shape | None:
    """The members that have a constant tag; those without parameters may also be named alone."""
    objects = [branch for branch in branches if "properties" in branch]
    for tag in TAGS:
        members = {
            str(each["properties"][tag]["const"]): each
            for each in objects
            if "const" in each["properties"].get(tag, {})
        }
        if members and len(members) == len(objects):
            return Shape("union", nullable, tag=tag, members=members)
    return None


def _single(root: Schema, schema: Schema, *, nullable: bool) -> Shape:
    match schema.get("type"):
        case "string":
            return Shape("text", nullable)
        case "boolean":
            return Shape("flag", nullable)
        case "array":
            return _list(root, schema.get("items") or {}, nullable=nullable)
        case "object" if "properties" in schema:
            return Shape("group", nullable, schema=schema)
    return Shape("json", nullable)


def _list(root: Schema, items: Schema, *, nullable: bool) -> Shape:
    inner = shape_of(root, items)
    if inner.kind in ("number", "text"):
        return Shape("numbers" if inner.kind == "number" else "texts", nullable)
    return Shape("list", nullable, schema=items) if inner.kind in ("union", "group") else Shape("json", nullable)
