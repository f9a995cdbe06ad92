"""Checks, with their reports once all runs have ended."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from ...kernel.json import JsonObject
from ...kernel.status import StudyStatus
from ...kernel.vocabulary import CheckVerdict
from ...regression import Report
from .progress import Progress


@dataclass(frozen=True, kw_only=True)
class NewCheck:
    """A check to be stored together with its runs."""

    baseline: str
    pin_id: str
    """The pin that the baseline's name pointed at when the check was created; the check is compared with it."""
    experiment: JsonObject
    remedies: Sequence[JsonObject]
    seeds: Sequence[int]
    margins: Mapping[str, float]
    name: str | None = None
    labels: Mapping[str, str] = field(default_factory=dict)
    request_id: str | None = None


@dataclass(frozen=True, kw_only=True)
class Check(NewCheck):
    """A check, with its report once its runs have ended."""

    id: str
    schedule: str | None
    """The schedule that started it."""
    status: StudyStatus
    """Succeeded: there is a verdict. Failed: none of its runs could be trained."""
    verdict: CheckVerdict | None
    report: Report | None
    """None while its runs are running, and if it was cancelled."""
    cancel_requested: bool
    created_at: datetime
    ended_at: datetime | None
    progress: Progress

    @property
    def summary(self) -> str | None:
        """The result in words, or why there is none; None before the check ends."""
        return None if self.report is None else self.report.summary
