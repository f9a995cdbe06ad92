"""The declaration of a study whose arms an external program trains."""

from typing import Annotated

from pydantic import Field, StringConstraints

from ..kernel.names import Labels, Name
from ..kernel.spec import Items, Seed, Spec
from ..remedies import RemedyList


class RecordedArm(Spec):
    """One arm of a study that an external program trains."""

    name: Name
    """Unique within the study. The arm `baseline`, without remedies, always exists."""
    remedies: RemedyList = ()
    """What the program changes of its own model, optimizer and loop, applied in order."""
    code: Annotated[str, StringConstraints(max_length=20_000)] = ""
    """The same as lines of code, to show people. It is never executed."""


class RecordedStudySpec(Spec):
    """A study whose arms an external program trains, once for each seed."""

    arms: Annotated[Items[RecordedArm], Field(max_length=200)] = ()
    """The arms to compare; `baseline` is added if it is missing."""
    seeds: Annotated[Items[Seed], Field(min_length=1, max_length=1000)]
    """Training seeds. Runs with the same seed are paired between arms."""
    name: Name | None = None
    """For people."""
    labels: Labels = Field(default_factory=dict)
    """Labels for finding the study."""
