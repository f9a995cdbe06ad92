"""Learning-rate schedules, one a file, told apart by `kind`."""

from typing import TYPE_CHECKING, TypeAlias

from ...kernel import registry
from .base import Schedule

SCHEDULES = registry.members(__name__, Schedule)

if TYPE_CHECKING:
    AnySchedule: TypeAlias = Schedule
else:
    AnySchedule = registry.tagged_union(SCHEDULES)

__all__ = ["SCHEDULES", "AnySchedule", "Schedule"]
