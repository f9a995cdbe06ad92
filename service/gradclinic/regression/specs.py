"""Specifications of a baseline to pin, a check, and a schedule of checks."""

from typing import Annotated

from pydantic import Field, StringConstraints, model_validator
from typing_extensions import Self

from ..experiments.experiment import Experiment
from ..kernel.names import AddressName, Identifier, Labels, Name
from ..kernel.spec import Items, Seed, Spec
from ..remedies import RemedyList
from .margins import Margins


class PinSpec(Spec):
    """The runs of a baseline: those of a study's arm, those of a check, or a list of runs."""

    study_id: Identifier | None = None
    """A study that has ended and has no sweep."""
    arm: Name | None = None
    """Arm of the study; optional if the study has one arm."""
    run_ids: Annotated[Items[Identifier], Field(min_length=1, max_length=1000)] | None = None
    """Runs that have ended and differ only in their seed."""
    check_id: Identifier | None = None
    """A check whose new runs become the baseline."""

    @model_validator(mode="after")
    def _one_of_them(self) -> Self:
        if sum(each is not None for each in (self.study_id, self.run_ids, self.check_id)) != 1:
            raise ValueError("a baseline needs exactly one of study_id, run_ids and check_id")
        if self.arm is not None and self.study_id is None:
            raise ValueError("an arm needs a study_id")
        return self


class CheckSpec(Spec):
    """A new result to compare with a baseline. Without an experiment, the baseline's experiment is trained again."""

    baseline: AddressName
    """Name of the baseline."""
    experiment: Experiment | None = None
    """What to train; null is the baseline's experiment."""
    remedies: RemedyList | None = None
    """Changes of the experiment, applied in order; null means none, or with the baseline's experiment the baseline's
    remedies."""
    seeds: Annotated[Items[Seed], Field(min_length=1, max_length=1000)] | None = None
    """Seeds to train, out of the baseline's seeds; runs are paired by seed. null means all of them."""
    margins: Margins | None = None
    """How much worse each metric may be; only these metrics are checked. null means 10 % for the validation loss and
    two percentage points for the accuracy, if the baseline has them."""
    name: Name | None = None
    """For people."""
    labels: Labels = Field(default_factory=dict)
    """Labels for finding the runs of the check."""


class ScheduleSpec(Spec):
    """A check that is started on a cron schedule."""

    name: AddressName
    """Name of the schedule."""
    cron: Annotated[str, StringConstraints(min_length=1, max_length=100)]
    """Minute, hour, day of the month, month, day of the week: `0 3 * * *` is every night at three."""
    zone: Annotated[str, StringConstraints(min_length=1, max_length=64)] = "UTC"
    """Time zone of the cron expression: UTC, or a name such as Europe/Berlin."""
    check: CheckSpec
    """The check to start each time."""
