"""Recordings of users' own programs: what is sent, and what is answered."""

from pydantic import ConfigDict, Field

from ..kernel.names import Labels, Name
from ..measurements.recording import Declaration, example
from .base import Answer
from .run import RunAnswer


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


class RecordingUrls(Answer):
    """Where a program sends what it recorded."""

    self: str
    statistics: str
    finish: str
    run: str
    page: str


class RecordingAnswer(Answer):
    """A training in a user's own program."""

    id: str
    """Of its run, too."""
    declared: Declaration
    """As it was posted, every default spelled out."""
    next_window: int
    """Number of the window that is expected next."""
    run: RunAnswer
    urls: RecordingUrls


class WindowAnswer(Answer):
    """What became of a window."""

    run_id: str
    next_window: int
    """Number of the window that is expected next."""
