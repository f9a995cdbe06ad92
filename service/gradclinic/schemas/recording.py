"""Recordings of users' own programs, as they are answered."""

from ..measurements.recording import Declaration
from .base import Answer
from .run import RunAnswer


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
