"""Remedies, one per file, selected by `kind`: pure functions experiment -> experiment."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, TypeAlias

from pydantic import Field

from ..experiments.experiment import Experiment
from ..kernel import registry
from ..kernel.errors import InvalidRequest
from ..kernel.spec import Items
from .base import Remedy

REMEDIES = registry.members(__name__, Remedy)

if TYPE_CHECKING:
    AnyRemedy: TypeAlias = Remedy
else:
    AnyRemedy = registry.tagged_union(REMEDIES)

RemedyList = Annotated[Items[AnyRemedy], Field(max_length=20)]
"""Remedies, applied in order."""


def apply_all(experiment: Experiment, remedies: Sequence[Remedy]) -> Experiment:
    """The experiment with all remedies applied in order; an error has the pointer of the remedy that does not apply."""
    for index, remedy in enumerate(remedies):
        try:
            experiment = remedy.apply(experiment)
        except InvalidRequest as error:
            raise error.under(f"/remedies/{index}") from None
    return experiment


def __getattr__(name: str) -> type[Remedy]:
    """Remedy classes by name: `remedies.SwapActivation`."""
    for cls in REMEDIES.values():
        if cls.__name__ == name:
            return cls
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return [*__all__, *(cls.__name__ for cls in REMEDIES.values())]


__all__ = ["REMEDIES", "AnyRemedy", "Remedy", "RemedyList", "apply_all"]
