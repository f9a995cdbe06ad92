"""A study as it is asked for: one experiment, several arms, several seeds."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from ..experiments.experiment import Experiment
from ..experiments.sweep import SweepAxis
from ..kernel.names import Labels, Name
from ..kernel.spec import Items, Seed, Spec
from ..remedies import RemedyList


class ArmSpec(Spec):
    """One arm of a study: the study's experiment with remedies, or an experiment of its own."""

    name: Name
    """Unique within the study; `baseline` is the arm without remedies, and always there."""
    remedies: RemedyList = ()
    """Changes of the study's experiment, applied in order."""
    experiment: Experiment | None = None
    """Trained instead of the study's experiment where no remedy says the difference."""

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if self.experiment is not None and self.remedies:
            raise ValueError("an arm has remedies or an experiment of its own, not both")
        return self


class StudySpec(Spec):
    """One experiment, several arms, several seeds: arms x seeds x sweep points runs."""

    experiment: Experiment
    """What every arm without an experiment of its own starts from."""
    arms: Annotated[Items[ArmSpec], Field(max_length=200)] = ()
    """What is compared; the arm `baseline` is added where it is missing."""
    seeds: Annotated[Items[Seed], Field(min_length=1, max_length=1000)] = (0, 1, 2, 3, 4)
    """Training seeds: runs of one seed are paired over the arms. At least 5 for intervals worth reading."""
    sweep: Annotated[Items[SweepAxis], Field(max_length=3)] = ()
    """Fields to vary; every combination of their values is a point. Applied before the remedies."""
    control: Literal["random_remedy"] | None = None
    """`random_remedy`: add an arm with a remedy drawn by chance, which a cure has to beat."""
    name: Name | None = None
    """For people."""
    labels: Labels = Field(default_factory=dict)
    """For finding the study and its runs again."""
