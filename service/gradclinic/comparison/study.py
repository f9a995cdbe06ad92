"""The specification of a study: one experiment, several arms, several seeds."""

from typing import Annotated, Literal

from pydantic import Field, model_validator
from typing_extensions import Self

from ..experiments.experiment import Experiment
from ..experiments.sweep import SweepAxis
from ..kernel.names import Labels, Name
from ..kernel.spec import Items, Seed, Spec
from ..remedies import RemedyList


class ArmSpec(Spec):
    """One arm of a study: the study's experiment with remedies, or a separate experiment."""

    name: Name
    """Unique within the study. The arm `baseline`, without remedies, always exists."""
    remedies: RemedyList = ()
    """Changes of the study's experiment, applied in order."""
    experiment: Experiment | None = None
    """Trained instead of the study's experiment, for differences that no remedy expresses."""

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if self.experiment is not None and self.remedies:
            raise ValueError("an arm has either remedies or its own experiment, not both")
        return self


class StudySpec(Spec):
    """One experiment, several arms, several seeds. The number of runs is arms x seeds x sweep points."""

    experiment: Experiment
    """The experiment of every arm that does not have its own."""
    arms: Annotated[Items[ArmSpec], Field(max_length=200)] = ()
    """The arms to compare; `baseline` is added if it is missing."""
    seeds: Annotated[Items[Seed], Field(min_length=1, max_length=1000)] = (0, 1, 2, 3, 4)
    """Training seeds. Runs with the same seed are paired between arms. Use at least 5 for useful intervals."""
    sweep: Annotated[Items[SweepAxis], Field(max_length=3)] = ()
    """Fields to vary; every combination of values is a point. Applied before the remedies."""
    control: Literal["random_remedy"] | None = None
    """`random_remedy`: add an arm with a random remedy, which a real cure should beat."""
    name: Name | None = None
    """For people."""
    labels: Labels = Field(default_factory=dict)
    """Labels for finding the study and its runs."""
