"""What runs, studies, prescriptions and checks have in common: refresh, wait, cancel, report and delete."""

import time
from abc import abstractmethod
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar

from typing_extensions import Self

from ..kernel.errors import InvalidSpec
from ..schemas.check import CheckSummary
from ..schemas.event import EventAnswer, RunEventPage, StudyEventPage
from ..schemas.prescription import PrescriptionSummary
from ..schemas.run import RunSummaryAnswer
from ..schemas.study import StudyAnswer
from . import notebook
from .connection import Connection

if TYPE_CHECKING:
    import plotly.graph_objects as go
    from rich.console import RenderableType

POLL_S = 0.2

Outline = TypeVar("Outline", bound=RunSummaryAnswer | StudyAnswer | PrescriptionSummary | CheckSummary)
"""The fields in a list; the answer for a single one may have more."""


class Submitted(Generic[Outline]):
    """Something that was submitted to the service, with the last answer about it."""

    _path: ClassVar[str]
    _whole: type[Outline]
    """The model of the answer for a single one."""
    _charts: ClassVar[tuple[str, ...]]
    """The names of its figures; notebooks show the first one."""

    def __init__(self, connection: Connection, answer: Outline) -> None:
        self.connection, self.answer = connection, answer

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.id} {self.status}>"

    def _repr_html_(self) -> str:
        """What notebooks show: its words and its chart, as of the last refresh."""
        chart = notebook.chart(self.connection, f"{self._figures}/{self._charts[0]}")
        title = f"{self.answer.name or self.id}: {self.status}"
        return notebook.page(title=title, url=self.page, words=self._words(), chart=chart)

    @abstractmethod
    def _words(self) -> "RenderableType":
        """The same as the command line shows."""

    @property
    def _figures(self) -> str:
        return f"{self._path.removeprefix('/v1/')}/{self.id}"

    def figure(self, /, name: str | None = None, **options: Any) -> "go.Figure":
        """A figure of Plotly, by default the first chart of its page. Raises InvalidSpec for an unknown name."""
        if name is not None and name not in self._charts:
            raise InvalidSpec.at("", "there is no such figure", value=name, allowed=", ".join(self._charts))
        return notebook.figure(self.connection, f"{self._figures}/{name or self._charts[0]}", **options)

    @property
    def id(self) -> str:
        """Its id."""
        return self.answer.id

    @property
    def status(self) -> str:
        """Its state at the last refresh."""
        return self.answer.status

    @property
    def page(self) -> str:
        """The URL of its page."""
        return f"{self.connection.url}{self.answer.urls.page}"

    def refresh(self) -> Self:
        """Get the current state from the service."""
        self.answer = self.connection.get(self._whole, f"{self._path}/{self.id}")
        return self

    def cancel(self) -> Self:
        """Cancel queued runs, and ask running ones to stop."""
        self.connection.command(f"{self._path}/{self.id}/cancel")
        return self.refresh()

    def report(self, /, **options: Any) -> str:
        """Its page as one self-contained HTML file. Option for studies: `metric`."""
        return self.connection.text(f"{self._path}/{self.id}/report", **options)

    def delete(self) -> None:
        """Delete it, with its runs and everything they recorded."""
        self.connection.delete(f"{self._path}/{self.id}")

    def _follow(
        self,
        events: type[RunEventPage | StudyEventPage],
        timeout_s: float | None,
        progress: Callable[[EventAnswer], None] | None,
    ) -> Self:
        """Wait until it has ended; `progress` is called with each event. Raises TimeoutError."""
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
            self._pause(deadline, timeout_s)

    def _poll(self, timeout_s: float | None, progress: Callable[[Outline], None] | None) -> Self:
        """Wait until it has ended; `progress` is called with its current state. Raises TimeoutError."""
        deadline = _deadline(timeout_s)
        while self.refresh().status == "running":
            if progress is not None:
                progress(self.answer)
            self._pause(deadline, timeout_s)
        return self

    def _pause(self, deadline: float | None, timeout_s: float | None) -> None:
        if deadline is not None and time.monotonic() > deadline:
            raise TimeoutError(f"not finished after {timeout_s:g} s")
        self.connection.pause(POLL_S)


def _deadline(timeout_s: float | None) -> float | None:
    return None if timeout_s is None else time.monotonic() + timeout_s


def id_of(item: Submitted[Any] | str) -> str:
    """The id of an object; an id is returned as it is."""
    return item if isinstance(item, str) else item.id
