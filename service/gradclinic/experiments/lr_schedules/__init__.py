"""Learning-rate schedules, one per file, selected by `kind`."""

from typing import TYPE_CHECKING, TypeAlias

from ...kernel import registry
from .base import LrSchedule

LR_SCHEDULES = registry.members(__name__, LrSchedule)

if TYPE_CHECKING:
    AnyLrSchedule: TypeAlias = LrSchedule
else:
    AnyLrSchedule = registry.tagged_union(LR_SCHEDULES)

__all__ = ["LR_SCHEDULES", "AnyLrSchedule", "LrSchedule"]
