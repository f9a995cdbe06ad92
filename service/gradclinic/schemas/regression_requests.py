"""The bodies of baselines, checks and schedules."""

from typing import Annotated, Any, Self

from pydantic import ConfigDict, Field, StringConstraints, model_validator

from ..experiments.experiment import Experiment
from ..kernel.spec import Items, Seed, Spec
from ..regression import Margins
from ..use_cases.check import CheckPlan
from .base import NAME_PATTERN
from .examples import EXPERIMENT
from .requests import Labels, Name, Remedies

Identifier = Annotated[str, StringConstraints(min_length=1, max_length=40, pattern=r"^[A-Za-z0-9_]+$")]
Word = Annotated[str, StringConstraints(min_length=1, max_length=100, pattern=NAME_PATTERN)]


class BaselineRequest(Spec):
    """What a baseline's name shall point at: an arm of a study, the runs of a check, or runs by name."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"study_id": "study_01K0A", "arm": "relu"},
                {"run_ids": ["run_01K0A", "run_01K0B"]},
                {"check_id": "check_01K0A"},
            ]
        }
    )

    study_id: Identifier | None = None
    """A study that has ended, and was not swept."""
    arm: Name | None = None
    """Of that study; `baseline` where it is left out."""
    run_ids: Annotated[Items[Identifier], Field(min_length=1, max_length=1000)] | None = None
    """Runs that have ended, and differ in their seed only."""
    check_id: Identifier | None = None
    """A check whose new runs become the baseline."""

    @model_validator(mode="after")
    def _one_of_them(self) -> Self:
        if sum(each is not None for each in (self.study_id, self.run_ids, self.check_id)) != 1:
            raise ValueError("a baseline points at a study_id, at run_ids or at a check_id: at one of them")
        if self.arm is not None and self.study_id is None:
            raise ValueError("an arm belongs to a study_id")
        return self


class CheckRequest(Spec):
    """A new result to hold against a baseline; what is left out is as the baseline was made."""

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

    baseline: Word
    """Name of the baseline."""
    experiment: Experiment | None = None
    """What to train; null is the baseline's experiment."""
    remedies: Remedies | None = None
    """Changes of the experiment, applied in order; null are the baseline's remedies."""
    seeds: Annotated[Items[Seed], Field(min_length=1, max_length=1000)] | None = None
    """Seeds of the baseline, which the runs are paired by; null are all of them."""
    margins: Margins | None = None
    """How much worse each metric may be, and so which are looked at; null is a tenth for the validation loss and
    two points for the accuracy, as far as the baseline has them."""
    name: Name | None = None
    """For people."""
    labels: Labels = Field(default_factory=dict)
    """For finding the check's runs again."""

    def plan(self) -> CheckPlan:
        """What the use case takes."""
        return CheckPlan(
            baseline=self.baseline,
            experiment=self.experiment,
            remedies=self.remedies,
            seeds=self.seeds,
            margins=None if self.margins is None else self.margins.named(),
            name=self.name,
            labels=self.labels,
        )


class ScheduleRequest(Spec):
    """A cron line, and the check that it starts."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"name": "nightly", "cron": "0 3 * * *", "zone": "UTC", "check": {"baseline": "main"}},
            ]
        }
    )

    name: Word
    """Name of the schedule."""
    cron: Annotated[str, StringConstraints(min_length=9, max_length=100)]
    """Minute, hour, day of the month, month, day of the week: `0 3 * * *` is every night at three."""
    zone: Annotated[str, StringConstraints(min_length=1, max_length=64)] = "UTC"
    """Time zone that the line is read in: UTC, or a name such as Europe/Berlin."""
    check: CheckRequest
    """What to check each time."""

    def asks(self) -> dict[str, Any]:
        """The check's body, as it is stored."""
        return self.check.to_json()
