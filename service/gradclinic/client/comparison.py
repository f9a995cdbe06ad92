"""Comparisons of the arms of a study, or of any runs."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ..kernel import errors
from ..schemas.comparison import ArmAnswer, ComparisonAnswer
from . import notebook
from .connection import Calls, Connection
from .run import Run
from .submitted import id_of
from .table import Cell, Columns, Table, columns_of

if TYPE_CHECKING:
    import plotly.graph_objects as go


class ComparisonResult(Table):
    """A comparison of the arms of a study, or of any runs, with a baseline. Notebooks show it as a ranking.

    As a table, it has one row for each arm and metric.
    """

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

    def _repr_html_(self) -> str:
        from ..text.comparison import Ranking

        study = self.answer.study_id
        path, options = self._figure("ranking" if study is not None else "curves")
        return notebook.page(
            title=f"Comparison with {self.answer.baseline}",
            url=None if study is None else f"{self.connection.url}/studies/{study}",
            words=Ranking(self.answer),
            chart=notebook.chart(self.connection, path, **options),
        )

    def _ipython_key_completions_(self) -> list[str]:
        return [each.arm for each in self.arms]

    def _columns(self) -> Columns:
        return columns_of([_row(arm, name) for arm in self.arms for name in arm.effects])

    def figure(self, name: str | None = None) -> "go.Figure":
        """A figure of Plotly. Of a study: `ranking` (the default) or `map` of its metric, `curves` or `profiles`.

        Of single runs: `curves` (the default) or `profiles`.
        """
        path, options = self._figure(name or ("ranking" if self.answer.study_id is not None else "curves"))
        return notebook.figure(self.connection, path, **options)

    def _figure(self, name: str) -> tuple[str, dict[str, str]]:
        study = self.answer.study_id
        if study is not None:
            return f"studies/{study}/{name}", {} if name in {"profiles", "curves"} else {"metric": self.answer.metric}
        if name not in {"profiles", "curves"}:
            raise errors.InsufficientData("single runs have only the figures `curves` and `profiles`")
        seeds = [each for arm in self.arms for each in arm.conditions_by_seed]
        runs = dict.fromkeys(each.run_id for each in (*self.answer.baseline_conditions_by_seed, *seeds))
        return f"comparisons/{name}", {"runs": ",".join(runs)}


def _row(arm: ArmAnswer, metric: str) -> dict[str, Cell]:
    """The effect of an arm on one metric; intervals are simultaneous over the arms."""
    effect = arm.effects[metric]
    low, high = effect.interval or (None, None)
    return {
        "arm": arm.arm,
        "rank": arm.rank,
        "verdict": arm.verdict,
        "metric": metric,
        "baseline_mean": effect.baseline_mean,
        "arm_mean": effect.arm_mean,
        "difference": effect.difference,
        "low": low,
        "high": high,
        "unit": effect.unit,
        "p_value": effect.p_value,
        "wins": effect.wins,
        "pairs": effect.pairs,
    }


class ComparisonCalls(Calls):
    """The methods of `Clinic` for comparisons."""

    def compare(self, /, runs: Sequence[Run | str], *, baseline: Run | str, **options: Any) -> ComparisonResult:
        """Compare any runs with one of them. Options: `metric` and `confidence`."""
        body = {"runs": [id_of(run) for run in runs], "baseline": id_of(baseline)}
        answer = self.connection.post(ComparisonAnswer, "/v1/comparisons", body, **options)
        return ComparisonResult(self.connection, answer)
