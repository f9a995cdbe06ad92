"""Everything that gradclinic raises on purpose, as one tree; each error has a code and a title.

    GradclinicError
    ├── InvalidRequest             one or more problems, each with a JSON pointer
    │   ├── InvalidSpec            a value is unknown, out of bounds or does not fit
    │   ├── InvalidDataset         an uploaded data set cannot be trained on
    │   ├── TooLarge               valid, but larger than this service is set to accept
    │   └── RemedyDoesNotApply     a remedy has nothing to change, or cannot be applied here
    ├── NotFound
    ├── Conflict                   the state of the thing forbids the request
    ├── InsufficientData           the stored data cannot answer the question
    ├── ServiceUnavailable         the queue or the database cannot be reached now
    ├── LeaseLost                  a run belongs to another attempt now; what this one writes does not count
    ├── CheckpointUnusable         a checkpoint's file is missing or damaged
    ├── SetupFailed                a command cannot start: port taken, folder broken, part missing
    └── TrainingFailed             a worker could not train a run; the reason is for its owner
        └── OutOfMemory            the device's memory did not suffice

Divergence is a result, not an error.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Self


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong with a request: the place, the value, and what is allowed."""

    pointer: str
    """RFC 6901 JSON pointer into the request's body; "" is the whole body."""
    message: str
    value: Any = None
    allowed: str | None = None

    def under(self, prefix: str) -> "Problem":
        """The same problem seen from a document that holds this one at `prefix`."""
        return Problem(prefix + self.pointer, self.message, self.value, self.allowed)


class GradclinicError(Exception):
    """The root of all errors that gradclinic raises on purpose."""

    code = "error"
    title = "Something went wrong"


class InvalidRequest(GradclinicError):
    """The request cannot be accepted as it stands."""

    code = "invalid_request"
    title = "The request is not valid"

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__(self.problems)

    def __str__(self) -> str:
        return "; ".join(f"{p.pointer or '/'}: {p.message}" for p in self.problems)

    def under(self, prefix: str) -> Self:
        """The same error seen from a document that holds the faulty one at `prefix`."""
        return type(self)([problem.under(prefix) for problem in self.problems])

    @classmethod
    def at(cls, pointer: str, message: str, *, value: Any = None, allowed: str | None = None) -> Self:
        """An error with a single problem."""
        return cls([Problem(pointer, message, value, allowed)])


class InvalidSpec(InvalidRequest):
    """A value is unknown, out of bounds, or does not fit its neighbours."""

    code = "invalid_spec"
    title = "The specification is not valid"


class InvalidDataset(InvalidRequest):
    """An uploaded data set cannot be read, or not be trained on."""

    code = "invalid_dataset"
    title = "The data set is not valid"


class TooLarge(InvalidRequest):
    """The request is well formed but exceeds a limit of this service."""

    code = "too_large"
    title = "The request is larger than this service accepts"


class RemedyDoesNotApply(InvalidRequest):
    """A remedy has nothing to change here, or cannot be applied to this experiment."""

    code = "remedy_does_not_apply"
    title = "A remedy does not apply"

    @classmethod
    def because(cls, reason: str) -> Self:
        """Refuse a remedy, with a reason that a person can act on."""
        return cls([Problem("", reason)])


class NotFound(GradclinicError):
    """There is no such thing."""

    code = "not_found"
    title = "Not found"


class Conflict(GradclinicError):
    """The present state of the thing forbids the request."""

    code = "conflict"
    title = "The request conflicts with the present state"


class InsufficientData(GradclinicError):
    """The stored data cannot answer the question (yet)."""

    code = "insufficient_data"
    title = "There is not enough data for an answer"


class ServiceUnavailable(GradclinicError):
    """A part that the request needs cannot be reached at the moment."""

    code = "service_unavailable"
    title = "A part of the service cannot be reached"


class LeaseLost(GradclinicError):
    """The run belongs to another attempt now, or to none; what this worker would write does not count."""

    code = "lease_lost"
    title = "The run belongs to another attempt"


class CheckpointUnusable(GradclinicError):
    """The file that the database points to is not there, or is not what was written."""

    code = "checkpoint_unusable"
    title = "The checkpoint cannot be used"


class SetupFailed(GradclinicError):
    """A command cannot do its work on this machine as it is; the text is one line for the terminal."""

    code = "setup_failed"
    title = "A command cannot start"


class TrainingFailed(GradclinicError):
    """The service could not train a run; the text is a reason that its owner can act on."""

    code = "training_failed"
    title = "The run could not be trained"


class OutOfMemory(TrainingFailed):
    """The memory of the device that a run trained on did not suffice."""

    code = "out_of_memory"
    title = "The device's memory did not suffice"
