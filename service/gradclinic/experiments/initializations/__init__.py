"""Initialization schemes, one per file, selected by `scheme`."""

from typing import TYPE_CHECKING, Literal, TypeAlias

from ...kernel import registry
from .base import Initialization

INITIALIZATIONS = registry.members(__name__, Initialization, tag="scheme")
_readout_schemes = tuple(name for name, cls in INITIALIZATIONS.items() if cls.fits_readout)
for _scheme in INITIALIZATIONS.values():  # each names the scheme of the readout, so it is complete only now
    _scheme.model_rebuild(_types_namespace={"ReadoutScheme": Literal[_readout_schemes]})

if TYPE_CHECKING:
    AnyInitialization: TypeAlias = Initialization
else:
    AnyInitialization = registry.tagged_union(INITIALIZATIONS, tag="scheme")


def scheme_named(name: str) -> Initialization:
    """The scheme with this name and default values for all other fields."""
    return INITIALIZATIONS[name]()  # type: ignore[call-arg]  # the tag has a default in every concrete class


__all__ = ["INITIALIZATIONS", "AnyInitialization", "Initialization", "scheme_named"]
