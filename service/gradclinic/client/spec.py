"""Experiments and remedies as callers pass them: objects, their JSON, or the name of a remedy."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias, Union

from ..kernel.errors import InvalidSpec
from ..kernel.json import JsonObject

if TYPE_CHECKING:
    from ..experiments.experiment import Experiment
    from ..remedies import Remedy

ExperimentLike: TypeAlias = Union["Experiment", Mapping[str, Any]]
RemedyLike: TypeAlias = Union["Remedy", Mapping[str, Any], str]
"""A remedy, its JSON, or its name, for a remedy that needs no parameter: `"add_batch_norm"`."""


def plain(experiment: ExperimentLike) -> JsonObject:
    """An experiment as JSON; raises InvalidSpec for what is none."""
    return _json(experiment, at="/experiment", allowed="an Experiment, or its JSON as a dictionary")


def plain_remedies(remedies: Sequence[RemedyLike]) -> list[JsonObject]:
    """Remedies as JSON; raises InvalidSpec for what is none."""
    if isinstance(remedies, str | Mapping) or not isinstance(remedies, Sequence):
        raise InvalidSpec.at("/remedies", "remedies must be a list", value=_shown(remedies), allowed="a list, in order")
    return [_remedy(index, remedy) for index, remedy in enumerate(remedies)]


def with_remedies(experiment: ExperimentLike, remedies: Sequence[RemedyLike]) -> JsonObject:
    """An experiment and its remedies in the form of a request."""
    return {"experiment": plain(experiment), "remedies": plain_remedies(remedies)}


def _remedy(index: int, remedy: RemedyLike) -> JsonObject:
    if isinstance(remedy, str):
        return {"kind": remedy}
    return _json(remedy, at=f"/remedies/{index}", allowed='a remedy, its JSON, or its name, such as "add_batch_norm"')


def _json(value: Any, *, at: str, allowed: str) -> JsonObject:
    if isinstance(value, Mapping):
        return value
    if isinstance(value, type):
        raise InvalidSpec.at(at, f"{value.__name__} is a class", value=_shown(value), allowed=f"{value.__name__}(...)")
    try:
        document: JsonObject = value.to_json()
    except AttributeError:
        raise InvalidSpec.at(at, "this cannot be sent", value=_shown(value), allowed=allowed) from None
    return document


def _shown(value: object) -> str:
    return repr(value)[:100]
