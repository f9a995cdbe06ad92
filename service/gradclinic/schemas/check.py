"""Responses about checks."""

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from ..kernel.status import RunStatus, StudyStatus
from ..kernel.vocabulary import CheckVerdict
from .base import Answer, Json
from .comparison import AnyEffect, FindingOverSeedsAnswer
from .study import StudyProgressAnswer

if TYPE_CHECKING:
    from ..regression import Report


class CheckUrls(Answer):
    """Links of a check."""

    self: str
    runs: str
    baseline: str
    cancel: str
    page: str

    @classmethod
    def of(cls, check_id: str, *, baseline: str) -> "CheckUrls":
        """The links of a check."""
        at = f"/v1/checks/{check_id}"
        return cls(
            self=at,
            runs=f"/v1/runs?label=check:{check_id}",
            baseline=f"/v1/baselines/{baseline}",
            cancel=f"{at}/cancel",
            page=f"/checks/{check_id}",
        )


class CheckSummary(Answer):
    """A check against a baseline, without the evidence."""

    id: str
    name: str | None
    labels: dict[str, str]
    baseline: str
    schedule: str | None
    """Name of the schedule that started it."""
    status: StudyStatus
    """`succeeded`: there is a verdict. `failed`: none of the runs could be trained."""
    verdict: CheckVerdict | None
    """Null until all runs have ended."""
    summary: str | None
    """In words: what is worse, in which layers, or how many seeds would decide."""
    experiment: Json
    remedies: list[Json]
    seeds: list[int]
    margins: dict[str, float]
    progress: StudyProgressAnswer
    created_at: datetime
    ended_at: datetime | None
    urls: CheckUrls = Field(default_factory=lambda known: CheckUrls.of(known["id"], baseline=known["baseline"]))


class PairedRunsAnswer(Answer):
    """A baseline run and a new run with the same seed, and the value of the metric in each."""

    seed: int
    baseline_run: str
    new_run: str
    baseline: float | None
    """null if the run has no value; not finite if its training diverged."""
    new: float | None


class MetricCheckAnswer(Answer):
    """The check of one metric."""

    metric: str
    verdict: CheckVerdict
    reason: str
    margin: float
    """As requested: relative for losses and steps (0.1: 10 % larger), absolute for the accuracy."""
    limit: float
    """The margin on the scale of the effect's `ratio_interval`, or of its `interval` if there is no ratio."""
    better: Literal["lower", "higher"]
    seeds_needed: int | None
    """Number of seeds that would decide, if effect and scatter stay; null if decided, or if none would."""
    effect: AnyEffect | None
    """New minus baseline. The intervals of all metrics hold simultaneously with probability `confidence`. null if no
    pair has the metric."""
    values: list[PairedRunsAnswer]


class ConditionCheckAnswer(Answer):
    """A condition that hurt learning in any run of either side."""

    condition: str
    verdict: CheckVerdict
    reason: str
    new_seeds: int
    of_new: int
    baseline_seeds: int
    of_baseline: int
    layers: list[str]
    """The layers that most of the new seeds name, worst first."""
    seeds_needed: int | None
    finding: FindingOverSeedsAnswer | None
    """The finding over all new seeds."""
    baseline_finding: FindingOverSeedsAnswer | None


class LostRunAnswer(Answer):
    """A new run that ended without a result."""

    run_id: str
    seed: int
    status: RunStatus


class CheckAnswer(CheckSummary):
    """A check against a baseline, with the evidence."""

    pin_run_ids: list[str]
    """The runs of the baseline at the time of the check."""
    run_ids: list[str]
    """The new runs."""
    compared_seeds: list[int]
    """The seeds that both sides finished."""
    seeds_needed: int | None
    """Number of seeds that would decide the open cases."""
    false_fails_at_most: float | None
    """False-failure rate: largest probability of a fail if the new runs are no worse than the margins allow. null
    before there is a verdict."""
    method: str | None
    notes: list[str]
    """What limits the check: too few seeds for a fail, runs on different devices or with different versions."""
    lost: list[LostRunAnswer]
    """New runs without a result: failed, canceled, expired."""
    metrics: list[MetricCheckAnswer]
    conditions: list[ConditionCheckAnswer]

    @classmethod
    def of(
        cls, summary: CheckSummary, report: "Report | None", *, pin_run_ids: Sequence[str], run_ids: Sequence[str]
    ) -> "CheckAnswer":
        """A check with its report, if there is one."""
        from ..regression import Report, notes_on_check

        found = report or Report(summary="")
        return cls.model_validate(
            {
                **{name: getattr(summary, name) for name in CheckSummary.model_fields},
                "pin_run_ids": pin_run_ids,
                "run_ids": run_ids,
                "compared_seeds": found.seeds,
                **{name: getattr(found, name) for name in _OF_REPORT},
                "notes": notes_on_check(found.notes, seeds=len(summary.seeds), metrics=len(summary.margins)),
            }
        )


_OF_REPORT = ("seeds_needed", "false_fails_at_most", "method", "notes", "lost", "metrics", "conditions")


class CheckPage(Answer):
    """A page of checks, newest first; the header `Link` has the address of the next page."""

    items: list[CheckSummary]
    next: str | None
    """Value of `after` for the next page; null on the last page."""
