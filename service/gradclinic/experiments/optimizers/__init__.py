"""Optimizers, one per file, selected by `kind`."""

from typing import TYPE_CHECKING, TypeAlias

from ...kernel import registry
from .base import Optimizer

OPTIMIZERS = registry.members(__name__, Optimizer)

if TYPE_CHECKING:
    AnyOptimizer: TypeAlias = Optimizer
else:
    AnyOptimizer = registry.tagged_union(OPTIMIZERS)

__all__ = ["OPTIMIZERS", "AnyOptimizer", "Optimizer"]
