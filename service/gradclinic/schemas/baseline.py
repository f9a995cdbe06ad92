"""Responses about baselines."""

from collections.abc import Mapping
from datetime import datetime

from pydantic import Field

from .base import Answer, Json


class BaselineUrls(Answer):
    """Links of a baseline."""

    self: str
    checks: str
    page: str

    @classmethod
    def of(cls, name: str) -> "BaselineUrls":
        """The links of a baseline."""
        return cls(self=f"/v1/baselines/{name}", checks=f"/v1/checks?baseline={name}", page=f"/baselines/{name}")


class PinAnswer(Answer):
    """The runs of a baseline, now or in the past."""

    study_id: str | None
    check_id: str | None
    arm: str | None
    """Arm of the study."""
    run_ids: list[str]
    """One for each seed, in the same order."""
    seeds: list[int]
    pinned_at: datetime


class BaselineAnswer(Answer):
    """A named, pinned set of runs. Its runs cannot be deleted."""

    name: str
    pin: PinAnswer
    """The current runs."""
    summary: str
    """In words: which runs, of which seeds, and what is wrong with them."""
    experiment: Json
    """The experiment that checks train by default."""
    remedies: list[Json]
    conditions: dict[str, int]
    """Number of pinned runs by primary condition."""
    notes: list[str] = Field(default_factory=lambda known: _notes(known["pin"], known["conditions"]))
    """What limits checks with this baseline and the default margins: sick runs, and too few seeds for a fail."""
    history: list[PinAnswer]
    """The last 100 earlier pins, newest first."""
    created_at: datetime
    urls: BaselineUrls = Field(default_factory=lambda known: BaselineUrls.of(known["name"]))

    def __str__(self) -> str:
        return "\n".join((f"{self.name}: {self.summary}", *self.notes))


def _notes(pin: PinAnswer, conditions: Mapping[str, int]) -> list[str]:
    from ..regression import DEFAULT_MARGINS, note_on_seeds, note_on_sick

    few = note_on_seeds(len(pin.seeds), metrics=len(DEFAULT_MARGINS))
    return [note for note in (note_on_sick(conditions), few) if note is not None]


class BaselinePage(Answer):
    """A page of baselines, by name; the header `Link` has the address of the next page."""

    items: list[BaselineAnswer]
    next: str | None
    """Value of `after` for the next page; null on the last page."""
