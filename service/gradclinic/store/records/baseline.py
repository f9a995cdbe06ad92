"""Baselines: named result sets, and the pins that their names point at."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from ...kernel.json import JsonObject


@dataclass(frozen=True, kw_only=True)
class NewPin:
    """Runs that a baseline's name shall point at."""

    experiment: JsonObject
    """As it was posted, whatever the seed in it."""
    remedies: Sequence[JsonObject]
    seeds: Sequence[int]
    run_ids: Sequence[str]
    """One for each seed, in the same order."""
    study_id: str | None = None
    check_id: str | None = None
    arm: str | None = None
    request_id: str | None = None


@dataclass(frozen=True, kw_only=True)
class Pin(NewPin):
    """What a baseline's name points at, or did until the next one."""

    id: str
    baseline: str
    pinned_at: datetime


@dataclass(frozen=True, kw_only=True)
class Baseline:
    """A pinned result set with a movable name."""

    name: str
    pin: Pin
    history: Sequence[Pin]
    """What the name pointed at, the newest first, the present one included; the last hundred."""
    created_at: datetime
