"""Initialization schemes, one per file, selected by `scheme`."""

from typing import TYPE_CHECKING, TypeAlias

from ...kernel import registry
from .base import Initialization, SchemeName

INITIALIZATIONS = registry.members(__name__, Initialization, tag="scheme")

if TYPE_CHECKING:
    AnyInitialization: TypeAlias = Initialization
else:
    AnyInitialization = registry.tagged_union(INITIALIZATIONS, tag="scheme")


def scheme_named(name: SchemeName) -> Initialization:
    """The scheme with this name and default values for all other fields."""
    return INITIALIZATIONS[name]()  # type: ignore[call-arg]  # the tag has a default in every concrete class


__all__ = ["INITIALIZATIONS", "AnyInitialization", "Initialization", "SchemeName", "scheme_named"]
