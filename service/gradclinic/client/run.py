"""Runs: one training each."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from typing_extensions import Self, Unpack

from ..kernel.json import JsonObject
from ..kernel.names import Edits
from ..schemas.diagnosis import DiagnosisAnswer
from ..schemas.event import EventAnswer, RunEventPage
from ..schemas.run import RunAnswer, RunDetailAnswer, RunMetricsAnswer, RunSummaryAnswer
from ..schemas.statistic import CurvesAnswer, ProfileAnswer, SeriesAnswer, StatisticsAnswer
from .connection import Calls, id_in_path
from .progress import told
from .spec import ExperimentLike, RemedyLike, with_remedies
from .submitted import Submitted
from .table import Columns, Table

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa
    from rich.console import RenderableType


class Run(Submitted[RunSummaryAnswer]):
    """One training."""

    _path = "/v1/runs"
    _whole = RunDetailAnswer
    _charts = ("profile", "curves", "heatmap")

    @property
    def ended(self) -> bool:
        """Whether its status is final."""
        return self.status not in {"queued", "running"}

    @property
    def metrics(self) -> RunMetricsAnswer | None:
        """Its final metrics; None until it has ended."""
        return self.answer.metrics

    def edit(self, **edits: Unpack[Edits]) -> Self:
        """Change its name, labels or notes; None removes one."""
        self.answer = self.connection.patch(RunDetailAnswer, f"{self._path}/{self.id}", edits)
        return self

    def wait(
        self, *, timeout_s: float | None = None, progress: Callable[[EventAnswer], None] | bool | None = None
    ) -> Self:
        """Wait until it has ended. `progress` is called with each event, or True to show it. Raises TimeoutError."""
        from ..text.progress import following

        steps = self.answer.progress.steps or 0
        with told(lambda console: following(console, what=self.id, steps=steps), progress=progress) as follow:
            return self._follow(RunEventPage, timeout_s, follow)

    def _words(self) -> "RenderableType":
        from ..text.run import run_words

        return run_words(self.answer, self.answer.diagnosis, page=self.page)

    def diagnosis(self) -> DiagnosisAnswer:
        """What is wrong, in which layers, since which step, and how sure; provisional while it is training."""
        return self.connection.get(DiagnosisAnswer, f"/v1/runs/{self.id}/diagnosis")

    def judge(self, *, rule_set: str | None = None, thresholds: Mapping[str, float] | None = None) -> DiagnosisAnswer:
        """Diagnose it again with other rules or thresholds. Nothing is trained or stored."""
        body = {"rule_set": rule_set, "thresholds": dict(thresholds or {})}
        return self.connection.post(DiagnosisAnswer, f"/v1/runs/{self.id}/diagnoses", body)

    def statistics(self, /, *names: str, **options: Any) -> dict[str, SeriesAnswer]:
        """Get recorded series by name. Options as in the API: layers, steps, max_points, aggregate."""
        path = f"/v1/runs/{self.id}/statistics"
        answer = self.connection.get(StatisticsAnswer, path, statistic=list(names), **options)
        return {series.statistic: series for series in answer.statistics}

    def to_pandas(self, /, *names: str, **options: Any) -> "pd.DataFrame":
        """Recorded series as a data frame with the columns statistic, step, layer and value; names as in `statistics`.

        Needs the extra `notebook`.
        """
        return _Series(self.statistics(*names, **options)).to_pandas()

    def to_arrow(self, /, *names: str, **options: Any) -> "pa.Table":
        """The same as a table of pyarrow. Needs the extra `arrow`."""
        return _Series(self.statistics(*names, **options)).to_arrow()

    def profile(self, statistic: str = "site_grad_rms", *, step: int | str = 0) -> ProfileAnswer:
        """Get one statistic over depth, at a step or at the `last` one."""
        return self.connection.get(ProfileAnswer, f"/v1/runs/{self.id}/profile", statistic=statistic, step=step)

    def curves(self, /, **options: Any) -> CurvesAnswer:
        """Get loss, gradient norms and learning rate over steps. Options: max_points, aggregate."""
        return self.connection.get(CurvesAnswer, f"/v1/runs/{self.id}/curves", **options)


class _Series(Table):
    """Recorded series as one long table."""

    def __init__(self, series: Mapping[str, SeriesAnswer]) -> None:
        self._series = series

    def _columns(self) -> Columns:
        rows = [
            (name, step, layer, value)
            for name, each in self._series.items()
            for step, values in zip(each.steps, each.values or (), strict=bool(each.values))
            for layer, value in zip(each.layers, values, strict=True)
        ]
        return {
            name: [row[index] for row in rows] for index, name in enumerate(("statistic", "step", "layer", "value"))
        }


class RunCalls(Calls):
    """The methods of `Clinic` for runs."""

    def run(
        self,
        experiment: ExperimentLike,
        remedies: Sequence[RemedyLike] = (),
        *,
        name: str | None = None,
        labels: Mapping[str, str] | None = None,
        reuse: bool = False,
    ) -> Run:
        """Queue one training. With `reuse`, an identical run that has succeeded is returned if there is one."""
        return self.post_run(
            {
                **with_remedies(experiment, remedies),
                "name": name,
                "labels": dict(labels or {}),
                "reuse": "if_identical" if reuse else None,
            }
        )

    def post_run(self, body: JsonObject) -> Run:
        """Queue one training from the JSON of its request."""
        return Run(self.connection, self.connection.post(RunDetailAnswer, "/v1/runs", body))

    def cancel_run(self, run_id: str) -> str:
        """Cancel a run by its id, without getting it first; returns its status then."""
        return self.connection.post(RunAnswer, f"/v1/runs/{id_in_path(run_id)}/cancel").status

    def delete_run(self, run_id: str) -> None:
        """Delete a run by its id, without getting it first."""
        self.connection.delete(f"/v1/runs/{id_in_path(run_id)}")

    def get_run(self, run_id: str) -> Run:
        """Get a run by its id."""
        return Run(self.connection, self.connection.get(RunDetailAnswer, f"/v1/runs/{id_in_path(run_id)}"))

    def runs(self, /, **filters: Any) -> Iterator[Run]:
        """Iterate over runs, newest first. Filters and order as in the API: status, condition, finding, label, study,
        source, search, sort.
        """
        for item in self.connection.items(RunSummaryAnswer, "/v1/runs", **filters):
            yield Run(self.connection, item)
