"""The tree of errors that gradclinic raises. Each error has a code and a title.

    GradclinicError
    ├── InvalidRequest             one or more problems, each with a JSON pointer
    │   ├── InvalidSpec            a value is unknown, out of bounds or inconsistent
    │   ├── InvalidDataset         an uploaded data set cannot be trained on
    │   ├── TooLarge               valid, but over a limit of this service
    │   ├── QuotaExceeded          the project would have more than its quota
    │   └── RemedyDoesNotApply     a remedy has nothing to change, or cannot be applied
    ├── BodyTooLarge               the body, or what it unpacks to, is larger than the service accepts
    ├── KeyRequired                the request has no valid API key
    ├── Forbidden                  the key's scope, or the site that the request comes from, does not allow it
    ├── RateExceeded               too many requests in a short time
    ├── NotFound
    ├── Conflict                   the current state of the resource does not allow the request
    ├── InsufficientData           there is not enough stored data for an answer
    │   └── DamagedData            the stored data cannot be read
    ├── ServiceUnavailable         the queue or the database is unreachable
    ├── LeaseLost                  another attempt owns the run; writes of this attempt are rejected
    ├── CheckpointUnusable         a checkpoint's file is missing or damaged
    ├── SetupFailed                a command cannot start: port in use, unusable folder, missing component
    └── TrainingFailed             a worker could not train a run; the message says why
        └── OutOfMemory            the device ran out of memory

Divergence is a result, not an error.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from typing_extensions import Self


@dataclass(frozen=True)
class Problem:
    """One problem with a request: the place, the value, and what is allowed."""

    pointer: str
    """RFC 6901 JSON pointer into the request body; "" is the whole body."""
    message: str
    value: Any = None
    allowed: str | None = None

    def __str__(self) -> str:
        allowed = f" (allowed: {self.allowed})" if self.allowed else ""
        return f"{self.pointer or '/'}: {self.message}{allowed}"

    def under(self, prefix: str) -> "Problem":
        """The problem with its pointer moved below `prefix`."""
        return Problem(prefix + self.pointer, self.message, self.value, self.allowed)


class GradclinicError(Exception):
    """The base class of all errors that gradclinic raises."""

    code = "error"
    title = "Something went wrong"


class InvalidRequest(GradclinicError):
    """The request is not valid."""

    code = "invalid_request"
    title = "The request is not valid"

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__(self.problems)

    def __str__(self) -> str:
        return "; ".join(map(str, self.problems))

    def under(self, prefix: str) -> Self:
        """The error with all pointers moved below `prefix`."""
        return type(self)([problem.under(prefix) for problem in self.problems])

    @classmethod
    def at(cls, pointer: str, message: str, *, value: Any = None, allowed: str | None = None) -> Self:
        """An error with a single problem."""
        return cls([Problem(pointer, message, value, allowed)])


class InvalidSpec(InvalidRequest):
    """A value is unknown, out of bounds, or inconsistent with other values."""

    code = "invalid_spec"
    title = "The specification is not valid"


class InvalidDataset(InvalidRequest):
    """An uploaded data set cannot be read or cannot be trained on."""

    code = "invalid_dataset"
    title = "The data set is not valid"


class TooLarge(InvalidRequest):
    """The request is well formed but exceeds a limit of this service."""

    code = "too_large"
    title = "The request is larger than this service accepts"


class QuotaExceeded(InvalidRequest):
    """The project would have more than its quota allows."""

    code = "quota_exceeded"
    title = "The quota of the project does not allow it"


class BodyTooLarge(GradclinicError):
    """The body of a request takes more memory or time to read than this service allows."""

    code = "body_too_large"
    title = "Content Too Large"


class RemedyDoesNotApply(InvalidRequest):
    """A remedy has nothing to change, or cannot be applied to this experiment."""

    code = "remedy_does_not_apply"
    title = "A remedy does not apply"

    @classmethod
    def because(cls, reason: str) -> Self:
        """An error with an actionable reason why the remedy does not apply."""
        return cls([Problem("", reason)])


class KeyRequired(GradclinicError):
    """The request has no API key, or one that is wrong, revoked or expired."""

    code = "key_required"
    title = "An API key is required"


class Forbidden(GradclinicError):
    """The request is not permitted: its key has too small a scope, or it comes from another site."""

    code = "forbidden"
    title = "Not allowed"


class RateExceeded(GradclinicError):
    """A key, or an address without one, sent more requests in a time than the service allows."""

    code = "rate_exceeded"
    title = "Too many requests"


class NotFound(GradclinicError):
    """The requested resource does not exist."""

    code = "not_found"
    title = "Not found"


class Conflict(GradclinicError):
    """The current state of the resource does not allow the request."""

    code = "conflict"
    title = "The request conflicts with the current state"


class InsufficientData(GradclinicError):
    """There is not (yet) enough stored data for an answer."""

    code = "insufficient_data"
    title = "There is not enough data for an answer"


class DamagedData(InsufficientData):
    """What is stored is not what was written."""

    code = "damaged_data"
    title = "Stored data is damaged"


class ServiceUnavailable(GradclinicError):
    """A component that the request needs is currently unreachable."""

    code = "service_unavailable"
    title = "A component of the service is unreachable"


class LeaseLost(GradclinicError):
    """The run belongs to another attempt or to none; writes of this worker are rejected."""

    code = "lease_lost"
    title = "The run belongs to another attempt"


class CheckpointUnusable(GradclinicError):
    """The file that the database points to is missing or damaged."""

    code = "checkpoint_unusable"
    title = "The checkpoint cannot be used"


class SetupFailed(GradclinicError):
    """A command cannot start on this machine; the message is one line for the terminal."""

    code = "setup_failed"
    title = "A command cannot start"


class TrainingFailed(GradclinicError):
    """The service could not train a run; the message is an actionable reason."""

    code = "training_failed"
    title = "The run could not be trained"


class OutOfMemory(TrainingFailed):
    """The device that a run trained on ran out of memory."""

    code = "out_of_memory"
    title = "The device ran out of memory"
