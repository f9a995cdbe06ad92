"""Responses about prescriptions."""

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
    """Links of a prescription."""

    self: str
    runs: str
    cancel: str
    page: str
    report: str
    """The same as a self-contained HTML file."""

    @classmethod
    def of(cls, prescription_id: str) -> "PrescriptionUrls":
        """The links of a prescription."""
        at = f"/v1/prescriptions/{prescription_id}"
        return cls(
            self=at,
            runs=f"/v1/runs?label=prescription:{prescription_id}",
            cancel=f"{at}/cancel",
            page=f"/prescriptions/{prescription_id}",
            report=f"{at}/report",
        )


class BudgetAnswer(Answer):
    """The budget of the search: seconds of training, or number of runs."""

    seconds: float | None
    runs: int | None


class PrescriptionSummary(Answer):
    """A search for a cure, without its results."""

    id: str
    name: str | None
    labels: dict[str, str]
    status: StudyStatus
    """`running` until the search has ended, with or without a cure."""
    experiment: Json
    budget: BudgetAnswer
    progress: StudyProgressAnswer
    """Progress of the runs queued so far; later rounds depend on their results."""
    created_at: datetime
    ended_at: datetime | None
    urls: PrescriptionUrls = Field(default_factory=lambda known: PrescriptionUrls.of(known["id"]))


class SeedConditionsAnswer(Answer):
    """The conditions of the unchanged experiment."""

    conditions: dict[str, int]
    """Number of seeds by primary condition."""


class ExperimentDiagnosisAnswer(SeedConditionsAnswer):
    """The same with the diagnosis for the experiment's own seed, if that was trained."""

    primary: str
    findings: list[FindingAnswer]
    """The finding of the primary condition comes first."""
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
    """null if the run was not created or was deleted."""
    status: RunStatus
    primary: str | None
    learned: bool | None
    relative_train_loss: float | None


class DrawAnswer(TrialAnswer):
    """One run of the random control."""

    name: str
    """Short name of the random remedy."""


class TriedAnswer(Answer):
    """Remedies that were tried in combination."""

    arm: str
    remedies: list[AnyRemedy]
    reached: SearchRound
    """The last round in which it was trained."""
    runs: list[TrialAnswer]


class ControlAnswer(Answer):
    """The results of random remedies on the seeds of the confirmation."""

    runs: int
    cured: int
    """Number of runs that learned without harm."""
    verdict: ArmVerdict | None
    effects: dict[str, AnyEffect] | None
    """Effects relative to the unchanged experiment, by metric; null before the search has ended."""
    cure_against_control: ArmAnswer | None
    draws: list[DrawAnswer]


class ConfirmedAnswer(Answer):
    """Remedies that were confirmed on new seeds, with the evidence."""

    name: str
    remedies: list[AnyRemedy]
    evidence: ArmAnswer | None


class CureAnswer(ConfirmedAnswer):
    """The remedies that cure the experiment."""

    resolved_experiment: Json
    """The cured experiment, ready to submit."""
    simplest: ConfirmedAnswer
    """The confirmed cure with the fewest remedies."""
    best: ConfirmedAnswer
    """The confirmed cure with the lowest loss."""

    def __str__(self) -> str:
        return self.name if self.evidence is None else f"{self.name}: {self.evidence.reason}"


class SpentAnswer(Answer):
    """The cost of the search so far."""

    runs: int
    seconds: float
    """Seconds of training, including recording."""
    waiting: int
    """Number of runs of this round that have not ended."""


class PrescriptionAnswer(PrescriptionSummary):
    """A search for a cure, with its results after the last complete round."""

    round: SearchRound | None
    """The current round, or the one in which the search ended."""
    ending: SearchEnding | None
    """How the search ended; null while it is running, or if it was cancelled."""
    why: str | None
    """In words."""
    diagnosis: AnyDiagnosis | None
    """The diagnosis of the unchanged experiment, and the conditions of all its seeds."""
    tried: list[TriedAnswer]
    """All candidates with their runs; those that reached the latest round first."""
    control: ControlAnswer | None
    """The results of random remedies on the seeds of the confirmation."""
    cure: CureAnswer | None
    """Remedies, evidence, and the experiment ready to submit; null if no cure was found."""
    comparison: ComparisonAnswer | None
    """The comparison of the confirmation, on seeds that were not used for any choice."""
    spent: SpentAnswer | None
    """Runs and seconds of all training, including runs that have been deleted."""

    @classmethod
    def of(cls, summary: PrescriptionSummary, report: "Report | None", *, why: str | None) -> "PrescriptionAnswer":
        """A prescription with its report, if there is one."""
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
    """A page of prescriptions, newest first; the header `Link` has the address of the next page."""

    items: list[PrescriptionSummary]
    next: str | None
    """Value of `after` for the next page; null on the last page."""
