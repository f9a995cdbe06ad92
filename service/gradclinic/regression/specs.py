"""What can be asked for: a baseline to be pinned, a check against it, and a schedule of checks."""

from typing import Annotated, Self

from pydantic import Field, StringConstraints, model_validator

from ..experiments.experiment import Experiment
from ..kernel.names import AddressName, Identifier, Labels, Name
from ..kernel.spec import Items, Seed, Spec
from ..remedies import RemedyList
from .margins import Margins


class PinSpec(Spec):
    """The runs that a baseline's name points at: those of a study's arm, those of a check, or runs by name."""

    study_id: Identifier | None = None
    """A study that has ended, and was not swept."""
    arm: Name | None = None
    """Of that study; may be left out where the study has one arm."""
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


class CheckSpec(Spec):
    """A new result to compare with a baseline; without an experiment, the baseline's own is trained again."""

    baseline: AddressName
    """Name of the baseline."""
    experiment: Experiment | None = None
    """What to train; null is the baseline's experiment."""
    remedies: RemedyList | None = None
    """Changes of the experiment, applied in order; null means none, or with the baseline's experiment the baseline's
    remedies."""
    seeds: Annotated[Items[Seed], Field(min_length=1, max_length=1000)] | None = None
    """Seeds of the baseline, which the runs are paired by; null are all of them."""
    margins: Margins | None = None
    """How much worse each metric may be, and so which are looked at; null is a tenth for the validation loss and
    two points for the accuracy, as far as the baseline has them."""
    name: Name | None = None
    """For people."""
    labels: Labels = Field(default_factory=dict)
    """For finding the check's runs again."""


class ScheduleSpec(Spec):
    """A cron line, and the check that it starts."""

    name: AddressName
    """Name of the schedule."""
    cron: Annotated[str, StringConstraints(min_length=9, max_length=100)]
    """Minute, hour, day of the month, month, day of the week: `0 3 * * *` is every night at three."""
    zone: Annotated[str, StringConstraints(min_length=1, max_length=64)] = "UTC"
    """Time zone that the line is read in: UTC, or a name such as Europe/Berlin."""
    check: CheckSpec
    """What to check each time."""
