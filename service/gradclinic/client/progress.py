"""The progress of `wait`: a bar on a terminal or in a notebook, otherwise lines."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from rich.console import Console

State = TypeVar("State")
Told = Callable[[State], None]


@contextmanager
def told(
    bar: Callable[["Console"], AbstractContextManager[Told[State]]], *, progress: Told[State] | bool | None
) -> Iterator[Told[State] | None]:
    """What is told of each change: a callback as it was given, or for True the one of a bar on standard error."""
    if progress is True:
        from rich.console import Console

        with bar(Console(stderr=True, highlight=False, emoji=False, markup=False)) as follow:
            yield follow
    else:
        yield progress or None
