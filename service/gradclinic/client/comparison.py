"""Comparisons of the arms of a study, or of any runs."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ..kernel import errors
from ..schemas.comparison import ArmAnswer, ComparisonAnswer
from .connection import Calls, Connection
from .run import Run
from .submitted import id_of

if TYPE_CHECKING:
    import plotly.graph_objects as go


class ComparisonResult:
    """A comparison of the arms of a study, or of any runs, with a baseline. Notebooks show it as a ranking."""

    def __init__(self, connection: Connection, answer: ComparisonAnswer) -> None:
        self.connection, self.answer = connection, answer

    @property
    def arms(self) -> list[ArmAnswer]:
        """All arms except the baseline, best first."""
        return self.answer.arms

    def __getitem__(self, arm: str) -> ArmAnswer:
        for each in self.arms:
            if each.arm == arm:
                return each
        raise KeyError(f"no arm is called {arm!r}; there are {', '.join(repr(each.arm) for each in self.arms)}")

    def __str__(self) -> str:
        from ..text.comparison import ranking_text

        return ranking_text(self.answer)

    __repr__ = __str__

    def figure(self, name: str = "ranking") -> "go.Figure":
        """A Plotly figure of the study: `ranking` or `map` of the comparison's metric, or `profiles`."""
        import plotly.graph_objects as go

        study = self.answer.study_id
        if study is None:
            raise errors.InsufficientData("only studies have figures; this comparison is of single runs")
        options = {} if name == "profiles" else {"metric": self.answer.metric}
        return go.Figure(self.connection.document(f"/v1/figures/studies/{study}/{name}", **options))


class ComparisonCalls(Calls):
    """The methods of `Clinic` for comparisons."""

    def compare(self, runs: Sequence[Run | str], *, baseline: Run | str, **options: Any) -> ComparisonResult:
        """Compare any runs with one of them. Options: `metric` and `confidence`."""
        body = {"runs": [id_of(run) for run in runs], "baseline": id_of(baseline)}
        answer = self.connection.post(ComparisonAnswer, "/v1/comparisons", body, **options)
        return ComparisonResult(self.connection, answer)
