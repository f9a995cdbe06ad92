"""Prescriptions, as they are asked for and returned."""

from datetime import datetime
from typing import Literal

from pydantic import ConfigDict

from ..kernel.status import StudyStatus
from ..prescription import PrescriptionSpec
from .base import Answer, Json
from .examples import EXPERIMENT
from .study import StudyProgressAnswer

Ending = Literal["healthy", "cured", "not_cured", "untrainable"]


class PrescriptionRequest(PrescriptionSpec):
    """A sick experiment, and what finding its cure may cost."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"experiment": EXPERIMENT, "budget": {"seconds": 240, "runs": None}}]}
    )


class PrescriptionUrls(Answer):
    """Where to go from a prescription."""

    self: str
    runs: str
    cancel: str
    page: str
    report: str
    """What the page shows, as one HTML file."""


class PrescriptionSummary(Answer):
    """A search for a cure, without what it found."""

    id: str
    name: str | None
    labels: dict[str, str]
    status: StudyStatus
    """Running until the search has ended, with a cure or without."""
    experiment: Json
    budget: Json
    progress: StudyProgressAnswer
    """Of the runs queued so far; how many the search needs follows from their results."""
    created_at: datetime
    ended_at: datetime | None
    urls: PrescriptionUrls


class PrescriptionAnswer(PrescriptionSummary):
    """A search for a cure, and what it found, as of its last whole round."""

    round: Literal["diagnose", "screen", "improve", "race", "confirm"] | None
    """The round that it is in, or ended in."""
    ending: Ending | None
    """How the search ended; null while it runs, and when it was cancelled."""
    why: str | None
    """In words."""
    diagnosis: Json | None
    """Of the experiment as it is, and the conditions of all its seeds."""
    tried: list[Json]
    """Every candidate with its runs, those that came furthest first."""
    control: Json | None
    """What remedies drawn by chance achieved on the seeds of the confirmation."""
    cure: Json | None
    """Remedies, evidence, and the experiment ready to post; null where nothing cures it."""
    comparison: Json | None
    """Of the confirmation, on seeds that no choice was made by."""
    spent: Json | None
    """Runs and seconds of all that was trained, runs that were deleted meanwhile included."""


class PrescriptionPage(Answer):
    """A page of prescriptions, newest first; the header `Link` leads to the next."""

    items: list[PrescriptionSummary]
    next: str | None
    """Where to continue; null at the end."""
