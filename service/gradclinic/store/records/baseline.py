"""Baselines: named result sets, and the pins that their names point at."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from ...kernel.json import JsonObject


@dataclass(frozen=True, kw_only=True)
class NewPin:
    """Runs to pin as a named baseline."""

    experiment: JsonObject
    """The experiment as posted; its seed is ignored."""
    remedies: Sequence[JsonObject]
    seeds: Sequence[int]
    run_ids: Sequence[str]
    """One run per seed, in the same order."""
    study_id: str | None = None
    check_id: str | None = None
    arm: str | None = None
    request_id: str | None = None


@dataclass(frozen=True, kw_only=True)
class Pin(NewPin):
    """The runs that a baseline's name points at, or pointed at until the next pin."""

    id: str
    baseline: str
    pinned_at: datetime


@dataclass(frozen=True, kw_only=True)
class Baseline:
    """A pinned result set with a movable name."""

    name: str
    pin: Pin
    history: Sequence[Pin]
    """The last hundred pins of the name, newest first, including the current one."""
    conditions: Mapping[str, int]
    """Number of pinned runs by primary condition, most frequent first."""
    created_at: datetime

    @property
    def experiment(self) -> JsonObject:
        """The experiment that a check trains by default."""
        return self.pin.experiment

    @property
    def remedies(self) -> Sequence[JsonObject]:
        """The remedies that a check applies by default."""
        return self.pin.remedies

    @property
    def summary(self) -> str:
        """The pinned runs in words: how many, their seeds and their conditions."""
        count = len(self.pin.run_ids)
        arm = f"arm `{self.pin.arm}`, " if self.pin.arm is not None else ""
        runs = f"{count} run{'s' * (count != 1)}, seed{'s' * (count != 1)} {_ranges(self.pin.seeds)}"
        found = ", ".join(f"{condition} in {seeds} of {count}" for condition, seeds in self.conditions.items())
        return f"{arm}{runs}: {found}"


def _ranges(seeds: Sequence[int]) -> str:
    """Ascending numbers with ranges joined: `0-2, 7`."""
    groups: list[list[int]] = []
    for seed in seeds:
        if groups and seed == groups[-1][-1] + 1:
            groups[-1].append(seed)
        else:
            groups.append([seed])
    return ", ".join(f"{group[0]}-{group[-1]}" if len(group) > 1 else str(group[0]) for group in groups)
