"""Error messages in one line (plus one for each further problem of a request), and exit statuses."""

import sys

from typer import TyperException

from ..kernel.errors import (
    Conflict,
    Forbidden,
    GradclinicError,
    InsufficientData,
    InvalidRequest,
    KeyRequired,
    NotFound,
    Problem,
)
from ..text.numbers import short
from . import UNAVAILABLE, USAGE

_WRONG_FILES = (FileNotFoundError, IsADirectoryError, NotADirectoryError, PermissionError)


def explain(error: GradclinicError | OSError | TyperException) -> int:
    """Print an error to standard error; returns the exit status."""
    if isinstance(error, TyperException):
        show = getattr(error, "show", None)  # usage errors also show the usage
        _say(str(error)) if show is None else show()
        return int(getattr(error, "exit_code", USAGE))
    if isinstance(error, InvalidRequest):
        for problem in error.problems:
            _say(_problem(problem))
        return USAGE
    if isinstance(error, KeyRequired | Forbidden | NotFound | Conflict | InsufficientData):
        _say(str(error))
        return USAGE
    if isinstance(error, OSError):
        where = f"{error.filename}: " if error.filename else ""
        _say(f"{where}{error.strerror or error}")
        return USAGE if isinstance(error, _WRONG_FILES) else UNAVAILABLE
    _say(" ".join(str(error).split()))
    return UNAVAILABLE


def _problem(problem: Problem) -> str:
    place = f"{problem.pointer}: " if problem.pointer else ""
    value = f" (got {_shown(problem.value)})" if _adds(problem) else ""
    allowed = f"; allowed: {problem.allowed}" if problem.allowed else ""
    return f"{place}{problem.message}{value}{allowed}"


def _adds(problem: Problem) -> bool:
    """Whether the value says more than the message."""
    value = problem.value
    if value is None or isinstance(value, dict | list):
        return False
    return not (isinstance(value, str) and repr(value) in problem.message)


def _shown(value: object) -> str:
    return short(value) if isinstance(value, float) else repr(value)


def _say(line: str) -> None:
    sys.stderr.write(f"gradclinic: {line}\n")
