"""Baselines: named result sets, and the pins that their names point at."""

from collections.abc import Mapping, Sequence
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
    conditions: Mapping[str, int]
    """The pinned runs by their primary condition, the most frequent first."""
    created_at: datetime

    @property
    def experiment(self) -> JsonObject:
        """What a check trains where it says nothing else."""
        return self.pin.experiment

    @property
    def remedies(self) -> Sequence[JsonObject]:
        """What a check changes in that experiment where it says nothing else."""
        return self.pin.remedies

    @property
    def summary(self) -> str:
        """In words: which runs, of which seeds, and what is wrong with them."""
        count = len(self.pin.run_ids)
        arm = f"arm `{self.pin.arm}`, " if self.pin.arm is not None else ""
        runs = f"{count} run{'s' * (count != 1)}, seed{'s' * (count != 1)} {_ranges(self.pin.seeds)}"
        found = ", ".join(f"{condition} in {seeds} of {count}" for condition, seeds in self.conditions.items())
        return f"{arm}{runs}: {found}"


def _ranges(seeds: Sequence[int]) -> str:
    """Ascending numbers with runs of them joined: `0-2, 7`."""
    groups: list[list[int]] = []
    for seed in seeds:
        if groups and seed == groups[-1][-1] + 1:
            groups[-1].append(seed)
        else:
            groups.append([seed])
    return ", ".join(f"{group[0]}-{group[-1]}" if len(group) > 1 else str(group[0]) for group in groups)
