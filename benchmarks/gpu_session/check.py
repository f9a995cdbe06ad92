"""A check of a session, and its results."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass


@dataclass(frozen=True)
class Result:
    """One result of a check."""

    subject: str
    value: object
    """A number or a text, as JSON."""
    expected: str
    passed: bool | None
    """None where there is nothing to pass: a figure, or a check that was skipped."""


@dataclass(frozen=True)
class Check:
    """A check by the name of its function."""

    run: Callable[[str], Iterator[Result]]
    """Takes the device, `cuda` or `cpu`."""
    limit_s: float
    """On a GPU, in seconds."""
    needs_gpu: bool

    @property
    def name(self) -> str:
        """The name of its function."""
        return self.run.__name__


CHECKS: dict[str, Check] = {}
"""All checks by name, in the order in which they run."""


def check(
    *, limit_s: int, needs_gpu: bool = False
) -> Callable[[Callable[[str], Iterator[Result]]], Callable[[str], Iterator[Result]]]:
    """Make a function a check of the session, with a limit to its time."""

    def add(run: Callable[[str], Iterator[Result]]) -> Callable[[str], Iterator[Result]]:
        found = Check(run, limit_s, needs_gpu)
        CHECKS[found.name] = found
        return run

    return add
