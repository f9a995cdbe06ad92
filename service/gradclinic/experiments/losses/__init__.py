"""Losses, one per file, selected by `kind`."""

from typing import TYPE_CHECKING, TypeAlias

from ...kernel import registry
from .base import Loss, LossInput

LOSSES = registry.members(__name__, Loss)

if TYPE_CHECKING:
    AnyLoss: TypeAlias = Loss
else:
    AnyLoss = registry.tagged_union(LOSSES)

__all__ = ["LOSSES", "AnyLoss", "Loss", "LossInput"]
