"""The results of a prescription so far, as they are shown and stored."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import Field

from ..comparison import ArmComparison, Comparison, Effect, RatioEffect
from ..diagnosis import Finding
from ..kernel.json import JsonObject
from ..kernel.status import RunStatus
from ..kernel.vocabulary import ArmVerdict, SearchEnding, SearchRound
from ..remedies import AnyRemedy
from .trials import Budget


@dataclass(frozen=True, kw_only=True)
class SeedConditions:
    """The conditions of the unchanged experiment."""

    conditions: Mapping[str, int]
    """Number of seeds by primary condition."""


@dataclass(frozen=True, kw_only=True)
class ExperimentDiagnosis(SeedConditions):
    """The same with the diagnosis for the experiment's own seed, if that was trained."""

    primary: str
    findings: tuple[Finding, ...]
    rule_set: str


@dataclass(frozen=True, kw_only=True)
class TrialReport:
    """One run of the search."""

    key: str
    round: SearchRound
    arm: str
    remedies: tuple[AnyRemedy, ...]
    seed: int
    steps: int
    run_id: str | None
    """None if the run was not created or was deleted."""
    status: RunStatus
    primary: str | None
    learned: bool | None
    relative_train_loss: float | None


@dataclass(frozen=True, kw_only=True)
class DrawReport(TrialReport):
    """One run of the random control."""

    name: str
    """Short name of the random remedy."""


@dataclass(frozen=True, kw_only=True)
class CandidateReport:
    """Remedies that were tried in combination."""

    arm: str
    remedies: tuple[AnyRemedy, ...]
    reached: SearchRound
    """The last round in which it was trained."""
    runs: tuple[TrialReport, ...]


@dataclass(frozen=True, kw_only=True)
class ControlReport:
    """The results of random remedies on the seeds of the confirmation."""

    runs: int
    cured: int
    """Runs that learned without harm."""
    verdict: ArmVerdict | None
    effects: Mapping[str, RatioEffect | Effect] | None
    """Effects relative to the unchanged experiment, by metric; None before the search has ended."""
    cure_against_control: ArmComparison | None
    draws: tuple[DrawReport, ...]


@dataclass(frozen=True, kw_only=True)
class ConfirmedCandidate:
    """Remedies that were confirmed on new seeds, with the evidence."""

    name: str
    remedies: tuple[AnyRemedy, ...]
    evidence: ArmComparison | None


@dataclass(frozen=True, kw_only=True)
class Cure(ConfirmedCandidate):
    """The remedies that cure the experiment."""

    resolved_experiment: JsonObject
    """The cured experiment, ready to submit."""
    simplest: ConfirmedCandidate
    """The confirmed cure with the fewest remedies."""
    best: ConfirmedCandidate
    """The confirmed cure with the lowest loss."""


@dataclass(frozen=True, kw_only=True)
class Spent:
    """The cost of the search so far."""

    runs: int
    seconds: float
    """Seconds of training, including recording."""
    waiting: int
    """Runs of this round that have not ended."""


@dataclass(frozen=True, kw_only=True)
class Report:
    """The results of a search after its last complete round."""

    status: Literal["running", "succeeded"]
    round: SearchRound
    """The current round, or the one in which the search ended."""
    ending: SearchEnding | None
    """None while the search is running."""
    why: str
    """In words: how it ended, or its progress."""
    diagnosis: Annotated[ExperimentDiagnosis | SeedConditions, Field(union_mode="left_to_right")] | None
    tried: tuple[CandidateReport, ...]
    """All candidates with their runs, ordered by the round they reached, then by the remaining loss."""
    control: ControlReport | None
    cure: Cure | None
    """None if no cure was found."""
    comparison: Comparison | None
    """The comparison of the confirmation, on seeds that were not used for any choice."""
    budget: Budget
    spent: Spent
