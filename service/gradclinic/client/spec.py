"""Experiments and remedies as callers pass them: objects, or their JSON."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias, Union

from ..kernel.json import JsonObject

if TYPE_CHECKING:
    from ..experiments.experiment import Experiment
    from ..remedies import Remedy

ExperimentLike: TypeAlias = Union["Experiment", Mapping[str, Any]]
RemedyLike: TypeAlias = Union["Remedy", Mapping[str, Any]]


def plain(value: ExperimentLike | RemedyLike) -> JsonObject:
    """An experiment or a remedy as JSON."""
    return value if isinstance(value, Mapping) else value.to_json()


def with_remedies(experiment: ExperimentLike, remedies: Sequence[RemedyLike]) -> JsonObject:
    """An experiment and its remedies in the form of a request."""
    return {"experiment": plain(experiment), "remedies": [plain(remedy) for remedy in remedies]}
