"""What a prescription found so far, as it is shown and stored."""

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
    """What is wrong with the experiment as it is."""

    conditions: Mapping[str, int]
    """Its seeds by their primary condition."""


@dataclass(frozen=True, kw_only=True)
class ExperimentDiagnosis(SeedConditions):
    """The same with the diagnosis of the experiment's own seed, where that was trained."""

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
    """None where the run was not made or was deleted."""
    status: RunStatus
    primary: str | None
    learned: bool | None
    relative_train_loss: float | None


@dataclass(frozen=True, kw_only=True)
class DrawReport(TrialReport):
    """One run of the random control."""

    name: str
    """The remedy that was drawn, in short."""


@dataclass(frozen=True, kw_only=True)
class CandidateReport:
    """Remedies that were tried together."""

    arm: str
    remedies: tuple[AnyRemedy, ...]
    reached: SearchRound
    """The last round that asked for it."""
    runs: tuple[TrialReport, ...]


@dataclass(frozen=True, kw_only=True)
class ControlReport:
    """What remedies drawn by chance achieved on the seeds of the confirmation."""

    runs: int
    cured: int
    """Runs that learned without harm."""
    verdict: ArmVerdict | None
    effects: Mapping[str, RatioEffect | Effect] | None
    """Against the experiment as it is, by metric; None before the search has ended."""
    cure_against_control: ArmComparison | None
    draws: tuple[DrawReport, ...]


@dataclass(frozen=True, kw_only=True)
class ConfirmedCandidate:
    """Remedies that were confirmed on fresh seeds, and by which evidence."""

    name: str
    remedies: tuple[AnyRemedy, ...]
    evidence: ArmComparison | None


@dataclass(frozen=True, kw_only=True)
class Cure(ConfirmedCandidate):
    """What cures the experiment."""

    resolved_experiment: JsonObject
    """The cured experiment, ready to post."""
    simplest: ConfirmedCandidate
    """The confirmed cure with the fewest remedies."""
    best: ConfirmedCandidate
    """The confirmed cure with the lowest loss."""


@dataclass(frozen=True, kw_only=True)
class Spent:
    """What the search has cost."""

    runs: int
    seconds: float
    """Of training, recording included."""
    waiting: int
    """Runs of this round that have not ended."""


@dataclass(frozen=True, kw_only=True)
class Report:
    """What a search found, as of its last whole round."""

    status: Literal["running", "succeeded"]
    round: SearchRound
    """The round that it is in, or ended in."""
    ending: SearchEnding | None
    """None while it goes on."""
    why: str
    """In words, how it ended or how far it is."""
    diagnosis: Annotated[ExperimentDiagnosis | SeedConditions, Field(union_mode="left_to_right")] | None
    tried: tuple[CandidateReport, ...]
    """Every candidate with its runs, those that came furthest first, then by what they left of the loss."""
    control: ControlReport | None
    cure: Cure | None
    """None where nothing cures the experiment."""
    comparison: Comparison | None
    """Of the confirmation, on seeds that no choice was made by."""
    budget: Budget
    spent: Spent
