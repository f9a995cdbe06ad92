"""Checks: new results compared with a baseline."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from typing_extensions import Self

from ..kernel.json import JsonObject
from ..schemas.check import CheckAnswer, CheckSummary
from .connection import Calls, id_in_path
from .progress import told
from .spec import ExperimentLike, RemedyLike, plain, plain_remedies
from .submitted import Submitted

if TYPE_CHECKING:
    from rich.console import RenderableType


class Check(Submitted[CheckSummary]):
    """A new result compared with a baseline; `print` shows the outcome."""

    _path = "/v1/checks"
    _whole = CheckAnswer

    @property
    def found(self) -> CheckAnswer:
        """The complete answer, with evidence; requested from the service if this check came from a list."""
        if not isinstance(self.answer, CheckAnswer):
            self.refresh()
        assert isinstance(self.answer, CheckAnswer)  # noqa: S101  # a single one is answered whole
        return self.answer

    @property
    def verdict(self) -> str | None:
        """`pass`, `fail` or `inconclusive`; None until its runs have ended, or if none could be trained."""
        return self.answer.verdict

    @property
    def summary(self) -> str | None:
        """The outcome in words: what is worse, in which layers, or how many seeds would be enough to decide."""
        return self.answer.summary

    def wait(
        self, *, timeout_s: float | None = None, progress: Callable[[CheckSummary], None] | bool | None = None
    ) -> Self:
        """Wait until it has ended. `progress` is called with its current state, or True to show it.

        Raises TimeoutError.
        """
        from ..text.check import watching

        with told(lambda console: watching(console, self.answer), progress=progress) as follow:
            return self._poll(timeout_s, follow)

    @property
    def _charts(self) -> tuple[str, ...]:  # type: ignore[override]  # a chart for each of its metrics
        return tuple(self.answer.margins)

    def _words(self) -> "RenderableType":
        from ..text.check import check_words

        return check_words(self.found)

    def junit(self) -> bytes:
        """The result as JUnit XML; the check must have ended."""
        return self.connection.download(f"{self._path}/{self.id}", format="junit")

    def __str__(self) -> str:
        from ..text.check import check_text

        return check_text(self.answer)


class CheckCalls(Calls):
    """The methods of `Clinic` for checks."""

    def check(
        self,
        baseline: str,
        experiment: ExperimentLike | None = None,
        remedies: Sequence[RemedyLike] | None = None,
        *,
        seeds: Sequence[int] | None = None,
        margins: Mapping[str, float] | None = None,
        name: str | None = None,
        labels: Mapping[str, str] | None = None,
    ) -> Check:
        """Train an experiment and compare it with a baseline. Omitted fields are taken from the baseline."""
        return self.post_check(
            {
                "baseline": baseline,
                "experiment": None if experiment is None else plain(experiment),
                "remedies": None if remedies is None else plain_remedies(remedies),
                "seeds": None if seeds is None else list(seeds),
                "margins": None if margins is None else dict(margins),
                "name": name,
                "labels": dict(labels or {}),
            }
        )

    def post_check(self, body: JsonObject) -> Check:
        """Start a check from the JSON of its request."""
        return Check(self.connection, self.connection.post(CheckAnswer, "/v1/checks", body))

    def get_check(self, check_id: str) -> Check:
        """Get a check by its id."""
        return Check(self.connection, self.connection.get(CheckAnswer, f"/v1/checks/{id_in_path(check_id)}"))

    def checks(self, /, **filters: Any) -> Iterator[Check]:
        """Iterate over checks, newest first, without evidence. Filters as in the API: baseline, schedule, verdict."""
        for item in self.connection.items(CheckSummary, "/v1/checks", **filters):
            yield Check(self.connection, item)
