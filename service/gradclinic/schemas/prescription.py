"""Prescriptions, as they are answered."""

from datetime import datetime
from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from ..kernel.status import RunStatus, StudyStatus
from ..kernel.vocabulary import ArmVerdict, SearchEnding, SearchRound
from .base import Answer, Json
from .comparison import AnyEffect, ArmAnswer, ComparisonAnswer
from .diagnosis import FindingAnswer
from .remedy import AnyRemedy
from .study import StudyProgressAnswer

if TYPE_CHECKING:
    from ..prescription import Report


class PrescriptionUrls(Answer):
    """Where to go from a prescription."""

    self: str
    runs: str
    cancel: str
    page: str
    report: str
    """What the page shows, as one HTML file."""

    @classmethod
    def of(cls, prescription_id: str) -> "PrescriptionUrls":
        """Those of a prescription."""
        at = f"/v1/prescriptions/{prescription_id}"
        return cls(
            self=at,
            runs=f"/v1/runs?label=prescription:{prescription_id}",
            cancel=f"{at}/cancel",
            page=f"/prescriptions/{prescription_id}",
            report=f"{at}/report",
        )


class BudgetAnswer(Answer):
    """What the search may spend: seconds of training, or runs."""

    seconds: float | None
    runs: int | None


class PrescriptionSummary(Answer):
    """A search for a cure, without what it found."""

    id: str
    name: str | None
    labels: dict[str, str]
    status: StudyStatus
    """Running until the search has ended, with a cure or without."""
    experiment: Json
    budget: BudgetAnswer
    progress: StudyProgressAnswer
    """Of the runs queued so far; how many the search needs follows from their results."""
    created_at: datetime
    ended_at: datetime | None
    urls: PrescriptionUrls = Field(default_factory=lambda known: PrescriptionUrls.of(known["id"]))


class SeedConditionsAnswer(Answer):
    """What is wrong with the experiment as it is."""

    conditions: dict[str, int]
    """Its seeds by their primary condition."""


class ExperimentDiagnosisAnswer(SeedConditionsAnswer):
    """The same with the diagnosis of the experiment's own seed, where that was trained."""

    primary: str
    findings: list[FindingAnswer]
    """The primary condition's first."""
    rule_set: str


AnyDiagnosis = Annotated[ExperimentDiagnosisAnswer | SeedConditionsAnswer, Field(union_mode="left_to_right")]


class TrialAnswer(Answer):
    """One run of the search."""

    key: str
    round: SearchRound
    arm: str
    remedies: list[AnyRemedy]
    seed: int
    steps: int
    run_id: str | None
    """Null where the run was not made or was deleted."""
    status: RunStatus
    primary: str | None
    learned: bool | None
    relative_train_loss: float | None


class DrawAnswer(TrialAnswer):
    """One run of the random control."""

    name: str
    """The remedy that was drawn, in short."""


class TriedAnswer(Answer):
    """Remedies that were tried together."""

    arm: str
    remedies: list[AnyRemedy]
    reached: SearchRound
    """The last round that asked for it."""
    runs: list[TrialAnswer]


class ControlAnswer(Answer):
    """What remedies drawn by chance achieved on the seeds of the confirmation."""

    runs: int
    cured: int
    """Runs that learned without harm."""
    verdict: ArmVerdict | None
    effects: dict[str, AnyEffect] | None
    """Against the experiment as it is, by metric; null before the search has ended."""
    cure_against_control: ArmAnswer | None
    draws: list[DrawAnswer]


class ConfirmedAnswer(Answer):
    """Remedies that were confirmed on fresh seeds, and by which evidence."""

    name: str
    remedies: list[AnyRemedy]
    evidence: ArmAnswer | None


class CureAnswer(ConfirmedAnswer):
    """What cures the experiment."""

    resolved_experiment: Json
    """The cured experiment, ready to post."""
    simplest: ConfirmedAnswer
    """The confirmed cure with the fewest remedies."""
    best: ConfirmedAnswer
    """The confirmed cure with the lowest loss."""


class SpentAnswer(Answer):
    """What the search has cost."""

    runs: int
    seconds: float
    """Of training, recording included."""
    waiting: int
    """Runs of this round that have not ended."""


class PrescriptionAnswer(PrescriptionSummary):
    """A search for a cure, and what it found, as of its last whole round."""

    round: SearchRound | None
    """The round that it is in, or ended in."""
    ending: SearchEnding | None
    """How the search ended; null while it runs, and when it was cancelled."""
    why: str | None
    """In words."""
    diagnosis: AnyDiagnosis | None
    """Of the experiment as it is, and the conditions of all its seeds."""
    tried: list[TriedAnswer]
    """Every candidate with its runs, those that came furthest first."""
    control: ControlAnswer | None
    """What remedies drawn by chance achieved on the seeds of the confirmation."""
    cure: CureAnswer | None
    """Remedies, evidence, and the experiment ready to post; null where nothing cures it."""
    comparison: ComparisonAnswer | None
    """Of the confirmation, on seeds that no choice was made by."""
    spent: SpentAnswer | None
    """Runs and seconds of all that was trained, runs that were deleted meanwhile included."""

    @classmethod
    def of(cls, summary: PrescriptionSummary, report: "Report | None", *, why: str | None) -> "PrescriptionAnswer":
        """A prescription with its report, as far as there is one."""
        return cls.model_validate(
            {
                **{name: getattr(summary, name) for name in PrescriptionSummary.model_fields},
                **{name: getattr(report, name, None) for name in _OF_REPORT},
                "tried": report.tried if report is not None else [],
                "why": why,
            }
        )


_OF_REPORT = ("round", "ending", "diagnosis", "control", "cure", "comparison", "spent")


class PrescriptionPage(Answer):
    """A page of prescriptions, newest first; the header `Link` leads to the next."""

    items: list[PrescriptionSummary]
    next: str | None
    """Where to continue; null at the end."""
