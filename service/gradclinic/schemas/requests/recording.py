"""Requests about recordings."""

from pydantic import ConfigDict, Field, model_validator
from typing_extensions import Self

from ...comparison.recorded_study import RecordedStudySpec
from ...kernel.names import Identifier, Labels, Name
from ...measurements.recording import Declaration, example


class RecordingRequest(Declaration):
    """A training in an external program that sends its statistics."""

    model_config = ConfigDict(json_schema_extra={"examples": [example()]})

    name: Name | None = None
    """Name for people. In comparisons, runs with the same name and different seeds form one arm."""
    labels: Labels = Field(default_factory=dict)
    """Labels for finding the run."""
    study: Identifier | None = None
    """Id of the study that it is a run of; it was declared by `POST /v1/recordings/studies`."""
    arm: Name | None = None
    """Its arm in the study. If an earlier run of the same arm and seed did not succeed, this one takes its place."""

    @model_validator(mode="after")
    def _arm_of_a_study(self) -> Self:
        if (self.study is None) != (self.arm is None):
            raise ValueError("set both study and arm, or neither")
        return self

    def declaration(self) -> Declaration:
        """The declaration of the training, without name and labels."""
        return Declaration.model_validate({field: getattr(self, field) for field in Declaration.model_fields})


class RecordedStudyRequest(RecordedStudySpec):
    """A study whose arms an external program trains, once for each seed."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "arms": [{"name": "relu", "remedies": [{"kind": "swap_activation", "activation": "relu"}]}],
                    "seeds": [0, 1, 2, 3, 4],
                    "name": "which remedy cures my network?",
                }
            ]
        }
    )
