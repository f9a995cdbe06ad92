"""Requests about recordings."""

from pydantic import ConfigDict, Field

from ...kernel.names import Labels, Name
from ...measurements.recording import Declaration, example


class RecordingRequest(Declaration):
    """A training in an external program that sends its statistics."""

    model_config = ConfigDict(json_schema_extra={"examples": [example()]})

    name: Name | None = None
    """Name for people. In comparisons, runs with the same name and different seeds form one arm."""
    labels: Labels = Field(default_factory=dict)
    """Labels for finding the run."""

    def declaration(self) -> Declaration:
        """The declaration of the training, without name and labels."""
        return Declaration.model_validate({field: getattr(self, field) for field in Declaration.model_fields})
