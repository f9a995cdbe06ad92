"""Checks: what is stored of one, with its report once its runs have ended."""

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
    """What the baseline's name pointed at when the check was made; it stays what the check is held against."""
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
    """Succeeded: there is a verdict, whatever it is. Failed: none of its runs could be trained."""
    verdict: CheckVerdict | None
    report: Report | None
    """None while its runs go on, and where it was cancelled."""
    cancel_requested: bool
    created_at: datetime
    ended_at: datetime | None
    progress: Progress

    @property
    def summary(self) -> str | None:
        """What it found, or why it found nothing, in words; None before."""
        return None if self.report is None else self.report.summary
