"""Baselines, as they are answered."""

from datetime import datetime

from pydantic import Field

from .base import Answer, Json


class BaselineUrls(Answer):
    """Where to go from a baseline."""

    self: str
    checks: str
    page: str

    @classmethod
    def of(cls, name: str) -> "BaselineUrls":
        """Those of a baseline."""
        return cls(self=f"/v1/baselines/{name}", checks=f"/v1/checks?baseline={name}", page=f"/checks?baseline={name}")


class PinAnswer(Answer):
    """What a baseline's name points at, or did until the next one."""

    study_id: str | None
    check_id: str | None
    arm: str | None
    """Of the study."""
    run_ids: list[str]
    """One for each seed, in the same order."""
    seeds: list[int]
    pinned_at: datetime


class BaselineAnswer(Answer):
    """A pinned result set with a movable name. Its runs cannot be deleted."""

    name: str
    pin: PinAnswer
    """What the name points at."""
    summary: str
    """In words: which runs, of which seeds, and what is wrong with them."""
    experiment: Json
    """What a check trains where it says nothing else."""
    remedies: list[Json]
    history: list[PinAnswer]
    """What the name pointed at, the newest first; the last hundred."""
    created_at: datetime
    urls: BaselineUrls = Field(default_factory=lambda known: BaselineUrls.of(known["name"]))


class BaselinePage(Answer):
    """A page of baselines, by name; the header `Link` leads to the next."""

    items: list[BaselineAnswer]
    next: str | None
    """Where to continue; null at the end."""
