"""Error messages in one line (plus one for each further problem of a request), and exit statuses."""

import sys

from typer import TyperException
from typer.core import TyperGroup

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
        if hint := _belongs_below(error):
            sys.stderr.write(f"{hint}\n")
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


def _belongs_below(error: TyperException) -> str | None:
    """Where an option belongs that was written before the command, if commands below that one have it.

    The types of typer's errors and contexts are not public; a version without these attributes gives no hint.
    """
    option, context = getattr(error, "option_name", None), getattr(error, "ctx", None)
    if option is None or context is None or not isinstance(context.command, TyperGroup):
        return None
    path = _path_with(option, context.command)
    if path is None:
        return None
    return f"{option} belongs after the command, for example: {context.command_path} {' '.join(path)} {option} ..."


def _path_with(option: str, group: TyperGroup) -> list[str] | None:
    """The names of the first command below a group that has an option; lists first, as everyone may call them."""
    for name in sorted(group.commands, key=lambda each: each not in ("runs", "list")):
        command = group.commands[name]
        if isinstance(command, TyperGroup):
            below = _path_with(option, command)
            if below is not None:
                return [name, *below]
        elif any(option in each.opts for each in command.params):
            return [name]
    return None


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
