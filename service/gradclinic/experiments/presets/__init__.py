"""Kinds of model, one a file: presets with a few knobs, and the explicit list that they all lower to."""

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
