"""Recordings, as they are asked for."""

from pydantic import ConfigDict, Field

from ...kernel.names import Labels, Name
from ...measurements.recording import Declaration, example


class RecordingRequest(Declaration):
    """A training of one's own, to be recorded."""

    model_config = ConfigDict(json_schema_extra={"examples": [example()]})

    name: Name | None = None
    """For people; comparisons join runs of one name with other seeds."""
    labels: Labels = Field(default_factory=dict)
    """For finding the run again."""

    def declaration(self) -> Declaration:
        """What it says of the training."""
        return Declaration.model_validate({field: getattr(self, field) for field in Declaration.model_fields})
