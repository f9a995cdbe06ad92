"""The page of the catalogue, which can be searched."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated

from fastapi import Query
from fastapi.responses import HTMLResponse

from ..kernel.json import JsonObject
from ..kernel.json_schema import phrase
from ..use_cases.catalogue import Entry, catalogue
from .rendering import page_router, render

router = page_router()


@dataclass(frozen=True)
class Parameter:
    """A parameter of an entry."""

    name: str
    allowed: str
    default: str
    """As JSON; empty if it is required."""
    help: str


@dataclass(frozen=True)
class Shown:
    """An entry with its parameters."""

    entry: Entry
    parameters: Sequence[Parameter]


@router.get("/catalogue")
def show(search: Annotated[str, Query(max_length=100)] = "") -> HTMLResponse:
    """Everything that requests can use by name, or what of it has all words of a search."""
    sections = found(search)
    return render("catalogue.html", sections=sections, search=search, total=sum(map(len, sections.values())))


def found(search: str) -> Mapping[str, Sequence[Shown]]:
    """The entries that have each word in their name, section, help, source or parameters."""
    words = search.lower().split()
    sections = {
        section: [
            Shown(entry, parameters)
            for entry in entries
            for parameters in [list(parameters_of(entry.schema))]
            if all(word in _text(section, entry, parameters) for word in words)
        ]
        for section, entries in catalogue().items()
    }
    return {section: entries for section, entries in sections.items() if entries}


def parameters_of(schema: JsonObject) -> Iterator[Parameter]:
    """The parameters in the JSON schema of an entry, without the tag that selects it."""
    required = schema.get("required", ())
    for name, inner in schema.get("properties", {}).items():
        if "const" not in inner:
            default = "" if name in required or "default" not in inner else json.dumps(inner["default"])
            yield Parameter(name, phrase(schema, inner), default, inner.get("description", ""))


def _text(section: str, entry: Entry, parameters: Sequence[Parameter]) -> str:
    own = (section, entry.kind, entry.kind.replace("_", " "), entry.help, entry.source)
    return " ".join((*own, *(f"{each.name} {each.help}" for each in parameters))).lower()
