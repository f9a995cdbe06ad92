"""Checks, as they are asked for and returned."""

from datetime import datetime
from typing import Literal

from pydantic import ConfigDict

from ..kernel.status import StudyStatus
from ..regression import CheckSpec
from .base import Answer, Json
from .examples import EXPERIMENT
from .study import StudyProgressAnswer

CheckVerdict = Literal["pass", "fail", "inconclusive"]


class CheckRequest(CheckSpec):
    """A new result to compare with a baseline; without an experiment, the baseline's own is trained again."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"baseline": "main"},
                {
                    "baseline": "main",
                    "experiment": EXPERIMENT,
                    "seeds": [0, 1, 2, 3, 4],
                    "margins": {"final_validation_loss": 0.1},
                    "name": "nightly",
                },
            ]
        }
    )


class CheckUrls(Answer):
    """Where to go from a check."""

    self: str
    runs: str
    baseline: str
    cancel: str
    page: str


class CheckSummary(Answer):
    """A new result held against a baseline, without the evidence."""

    id: str
    name: str | None
    labels: dict[str, str]
    baseline: str
    schedule: str | None
    """The schedule that started it."""
    status: StudyStatus
    """Succeeded: there is a verdict, whatever it is. Failed: none of its runs could be trained."""
    verdict: CheckVerdict | None
    """Null until all runs have ended."""
    summary: str | None
    """In plain words: what is worse, in which layers, or how many seeds would decide."""
    experiment: Json
    remedies: list[Json]
    seeds: list[int]
    margins: dict[str, float]
    progress: StudyProgressAnswer
    created_at: datetime
    ended_at: datetime | None
    urls: CheckUrls


class MetricCheckAnswer(Answer):
    """One metric of the new runs against the baseline's."""

    metric: str
    verdict: CheckVerdict
    reason: str
    margin: float
    """As asked for: a share for losses and steps, a fraction for the accuracy."""
    limit: float
    """The margin on the scale of the effect's `ratio_interval`, or of its `interval` where there is no ratio."""
    better: Literal["lower", "higher"]
    seeds_needed: int | None
    """How many seeds would decide, if effect and scatter stay; null where it is decided, or none would."""
    effect: Json | None
    """New minus baseline with its interval, which holds together with the other metrics' with its `confidence`; null
    where no pair has the metric."""
    values: list[Json]
    """Each pair of runs: seed, both identifiers, both values."""


class ConditionCheckAnswer(Answer):
    """One condition that hurt learning in some run of either side."""

    condition: str
    verdict: CheckVerdict
    reason: str
    new_seeds: int
    of_new: int
    baseline_seeds: int
    of_baseline: int
    layers: list[str]
    """Those that most of the new seeds name, worst first."""
    seeds_needed: int | None
    finding: Json | None
    """What the new seeds say of it together."""
    baseline_finding: Json | None


class CheckAnswer(CheckSummary):
    """A new result held against a baseline, with the evidence."""

    pin_run_ids: list[str]
    """The baseline's runs that it is held against, whatever the name points at now."""
    run_ids: list[str]
    """The new runs."""
    compared_seeds: list[int]
    """The seeds that both sides finished."""
    seeds_needed: int | None
    """How many seeds would decide what is open."""
    false_fails_at_most: float | None
    """Chance of a fail, if the new runs are no worse than the margins allow; null before there is a verdict."""
    method: str | None
    lost: list[Json]
    """New runs without a result: failed, canceled, expired."""
    metrics: list[MetricCheckAnswer]
    conditions: list[ConditionCheckAnswer]


class CheckPage(Answer):
    """A page of checks, newest first; the header `Link` leads to the next."""

    items: list[CheckSummary]
    next: str | None
    """Where to continue; null at the end."""
