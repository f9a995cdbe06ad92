"""An experiment as a table of settings, and as PyTorch code."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import unified_diff

from ..experiments.listing import listing
from ..kernel.errors import GradclinicError
from ..kernel.json import JsonObject
from ..use_cases.service import Service
from . import filters
from .request_source import in_short

MOST_SETTINGS = 100
"""Rows of a table; a longer list of layers is in the experiment's JSON."""


@dataclass(frozen=True)
class Setting:
    """A setting of an experiment."""

    part: str
    """The part of the experiment that it belongs to."""
    name: str
    value: str
    usual: bool
    """Whether it is the default."""


@dataclass(frozen=True)
class Configuration:
    """The settings of an experiment, and its code."""

    settings: Sequence[Setting]
    more: int
    """Number of settings that are left out."""
    code: str | None
    """None if this version cannot read the experiment, or its data set was deleted."""


def configuration_of(service: Service, experiment: JsonObject) -> Configuration:
    """How an experiment is configured; what differs from the defaults comes first in each part."""
    chosen = {place[:end] for place, _ in _leaves(in_short(experiment)) for end in range(len(place) + 1)}
    found = [
        Setting(place[0], " ".join(map(filters.words, place[1:])), filters.pretty(value), usual=place not in chosen)
        for place, value in _leaves(experiment)
        if place  # a damaged experiment is empty
    ]
    parts = list(experiment)
    found.sort(key=lambda each: (parts.index(each.part), each.usual))
    return Configuration(found[:MOST_SETTINGS], max(0, len(found) - MOST_SETTINGS), _code(service, experiment))


def code_changes(service: Service, before: JsonObject, after: JsonObject) -> str:
    """What one experiment changes of another as a diff of their PyTorch code; empty if either has no code."""
    codes = [_code(service, each) for each in (before, after)]
    old, new = ((code or "").splitlines() for code in codes)
    changes = list(unified_diff(old, new, n=2, lineterm=""))[2:]
    return "\n".join(changes) if all(codes) else ""


@dataclass(frozen=True)
class Change:
    """A setting that differs between two experiments."""

    place: str
    """The setting in words."""
    before: str
    after: str


def changes_of(before: JsonObject, after: JsonObject) -> list[Change]:
    """The settings in which one experiment differs from another, in the order of the second."""
    old, new = dict(_leaves(before)), dict(_leaves(after))
    places = [place for place in {**new, **old} if old.get(place) != new.get(place)]
    return [
        Change(" ".join(map(filters.words, place)), _shown(old.get(place)), _shown(new.get(place))) for place in places
    ]


def _shown(value: object) -> str:
    return "none" if value is None else filters.pretty(value)


def _leaves(value: object, *at: str) -> Iterator[tuple[tuple[str, ...], object]]:
    """Each value that is no object and no list of objects, with its place; items count from 1."""
    if isinstance(value, Mapping) and value:
        for key, inner in value.items():
            yield from _leaves(inner, *at, str(key))
    elif isinstance(value, list) and value and isinstance(value[0], Mapping):
        for index, inner in enumerate(value, start=1):
            yield from _leaves(inner, *at, str(index))
    else:
        yield at, ", ".join(map(str, value)) if isinstance(value, list) else value


def _code(service: Service, experiment: JsonObject) -> str | None:
    try:
        return listing(service.experiment(experiment))
    except (ValueError, GradclinicError):
        return None
