"""Model kinds, one per file: presets with a few parameters, and the explicit list of layers they lower to."""

from typing import TYPE_CHECKING, TypeAlias

from ...kernel import registry
from ..layers import Layout
from .base import Model, Skip

PRESETS = registry.members(__name__, Model)

if TYPE_CHECKING:
    AnyModel: TypeAlias = Model
else:
    AnyModel = registry.tagged_union(PRESETS)

__all__ = ["PRESETS", "AnyModel", "Layout", "Model", "Skip"]
