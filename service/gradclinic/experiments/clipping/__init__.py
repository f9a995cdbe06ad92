"""Gradient clipping methods, one per file, selected by `kind`."""

from typing import TYPE_CHECKING, TypeAlias

from ...kernel import registry
from .base import Clipping

CLIPPINGS = registry.members(__name__, Clipping)

if TYPE_CHECKING:
    AnyClipping: TypeAlias = Clipping
else:
    AnyClipping = registry.tagged_union(CLIPPINGS)

__all__ = ["CLIPPINGS", "AnyClipping", "Clipping"]
