"""Responses about recordings of users' own programs."""

from ..measurements.recording import Declaration
from .base import Answer
from .run import RunAnswer


class RecordingUrls(Answer):
    """Addresses to which a program sends its statistics."""

    self: str
    statistics: str
    finish: str
    run: str
    page: str


class RecordingAnswer(Answer):
    """A training in an external program."""

    id: str
    """Also the id of its run."""
    declared: Declaration
    """The declaration as posted, with all defaults."""
    next_window: int
    """Number of the next expected window."""
    run: RunAnswer
    urls: RecordingUrls


class WindowAnswer(Answer):
    """The state after a window was sent."""

    run_id: str
    next_window: int
    """Number of the next expected window."""
