"""What a service works on: it can be looked at again, waited for, cancelled, reported and deleted."""

import time
from collections.abc import Callable
from typing import Any, ClassVar, Generic, Self, TypeVar

from ..schemas.check import CheckSummary
from ..schemas.event import EventAnswer, RunEventPage, StudyEventPage
from ..schemas.prescription import PrescriptionSummary
from ..schemas.run import RunSummaryAnswer
from ..schemas.study import StudyAnswer
from .connection import Connection

POLL_S = 0.2

Outline = TypeVar("Outline", bound=RunSummaryAnswer | StudyAnswer | PrescriptionSummary | CheckSummary)
"""What is known of it from the start; a single one may be answered with more than a list's."""


class Submitted(Generic[Outline]):
    """What the service works on and this client can look at again, wait for, cancel and delete."""

    _path: ClassVar[str]
    _whole: type[Outline]
    """What the service answers for a single one."""

    def __init__(self, connection: Connection, answer: Outline) -> None:
        self.connection, self.answer = connection, answer

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.id} {self.status}>"

    @property
    def id(self) -> str:
        """Its identifier."""
        return self.answer.id

    @property
    def status(self) -> str:
        """Its state when it was last looked at."""
        return self.answer.status

    @property
    def page(self) -> str:
        """The address of its page."""
        return f"{self.connection.url}{self.answer.urls.page}"

    def refresh(self) -> Self:
        """Look again."""
        self.answer = self.connection.get(self._whole, f"{self._path}/{self.id}")
        return self

    def cancel(self) -> Self:
        """Cancel what waits, and ask what runs to stop."""
        self.connection.command(f"{self._path}/{self.id}/cancel")
        return self.refresh()

    def report(self, **options: Any) -> str:
        """All that its page shows, as one HTML file that opens without a server; a study's takes `metric`."""
        return self.connection.text(f"{self._path}/{self.id}/report", **options)

    def delete(self) -> None:
        """Remove it with its runs, and all they recorded."""
        self.connection.delete(f"{self._path}/{self.id}")

    def _follow(
        self,
        events: type[RunEventPage | StudyEventPage],
        timeout_s: float | None,
        progress: Callable[[EventAnswer], None] | None,
    ) -> Self:
        """Return when it has ended; `progress` is told each event meanwhile. Raises TimeoutError."""
        deadline = _deadline(timeout_s)
        path, parameters = f"{self._path}/{self.id}/events", dict[str, str]()
        while True:
            page = self.connection.get(events, path, **parameters)
            for event in page.items:
                if progress is not None:
                    progress(event)
            if page.done:
                return self.refresh()
            parameters = {"after": page.last_id}
            _pause(deadline, timeout_s)

    def _poll(self, timeout_s: float | None, progress: Callable[[Outline], None] | None) -> Self:
        """Return when it has ended; `progress` is told what it looks like meanwhile. Raises TimeoutError."""
        deadline = _deadline(timeout_s)
        while self.refresh().status == "running":
            if progress is not None:
                progress(self.answer)
            _pause(deadline, timeout_s)
        return self


def _deadline(timeout_s: float | None) -> float | None:
    return None if timeout_s is None else time.monotonic() + timeout_s


def _pause(deadline: float | None, timeout_s: float | None) -> None:
    if deadline is not None and time.monotonic() > deadline:
        raise TimeoutError(f"it has not ended within {timeout_s:g} s")
    time.sleep(POLL_S)


def id_of(item: Submitted[Any] | str) -> str:
    """The identifier of what is given as an object or by its identifier."""
    return item if isinstance(item, str) else item.id
