"""Studies: one experiment with several arms and seeds."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from typing_extensions import Self, Unpack

from ..kernel.errors import InvalidSpec
from ..kernel.json import JsonObject
from ..kernel.names import Edits
from ..schemas.comparison import ComparisonAnswer
from ..schemas.event import EventAnswer, StudyEventPage
from ..schemas.run import RunSummaryAnswer
from ..schemas.study import StudyAnswer
from .comparison import ComparisonResult
from .connection import Calls, id_in_path
from .progress import told
from .run import Run
from .spec import ExperimentLike, RemedyLike, plain, plain_remedies
from .submitted import Submitted
from .table import Cell, Columns, Table, columns_of

if TYPE_CHECKING:
    from rich.console import RenderableType


Item = TypeVar("Item")


class Study(Submitted[StudyAnswer], Table):
    """One experiment with several arms and seeds. As a table, it has one row for each run."""

    _path = "/v1/studies"
    _whole = StudyAnswer
    _charts = ("ranking", "curves", "profiles", "map")

    def edit(self, **edits: Unpack[Edits]) -> Self:
        """Change its name, labels or notes; None removes one."""
        self.answer = self.connection.patch(StudyAnswer, f"{self._path}/{self.id}", edits)
        return self

    def wait(
        self, *, timeout_s: float | None = None, progress: Callable[[EventAnswer], None] | bool | None = None
    ) -> Self:
        """Wait until all its runs have ended. `progress` is called with each event, or True to show it.

        Raises TimeoutError.
        """
        from ..text.progress import following

        now = self.answer.progress
        with told(lambda to: following(to, what=self.id, steps=now.steps, runs=now.runs), progress=progress) as follow:
            return self._follow(StudyEventPage, timeout_s, follow)

    def _words(self) -> "RenderableType":
        from ..text.comparison import Ranking

        return Ranking(self.comparison().answer)

    def _columns(self) -> Columns:
        return columns_of([_row(run) for run in self.runs(limit=200)])

    def runs(self, /, **filters: Any) -> Iterator[Run]:
        """Its runs, newest first."""
        for item in self.connection.items(RunSummaryAnswer, "/v1/runs", study=self.id, **filters):
            yield Run(self.connection, item)

    def comparison(self, /, **options: Any) -> ComparisonResult:
        """Compare its arms with the baseline, using the runs that have ended. Options: `metric` and `confidence`."""
        path = f"/v1/studies/{self.id}/comparison"
        return ComparisonResult(self.connection, self.connection.get(ComparisonAnswer, path, **options))


def _row(run: Run) -> dict[str, Cell]:
    """One run of a study: arm, seed, swept values by JSON pointer, status, primary condition and metrics."""
    answer = run.answer
    return {
        "run": run.id,
        "arm": answer.arm,
        "seed": answer.seed,
        **(answer.sweep_point or {}),
        "status": answer.status,
        "condition": answer.diagnosis.primary if answer.diagnosis else None,
        **(answer.metrics.model_dump() if answer.metrics else {}),
    }


class StudyCalls(Calls):
    """The methods of `Clinic` for studies."""

    def study(
        self,
        experiment: ExperimentLike,
        arms: Mapping[str, Sequence[RemedyLike] | ExperimentLike] | None = None,
        *,
        seeds: Sequence[int] = range(5),
        sweep: Mapping[str, Sequence[float]] | None = None,
        control: bool = False,
        name: str | None = None,
        labels: Mapping[str, str] | None = None,
    ) -> Study:
        """Queue a study. An arm is a list of remedies or an experiment; `sweep` maps JSON pointers to values.

        `control` adds an arm with a random remedy. Raises InvalidSpec.
        """
        by_name = _named("/arms", arms, allowed='remedies by name: {"batch norm": [remedies.AddBatchNorm()]}')
        by_field = _named("/sweep", sweep, allowed='values by field: {"/optimizer/learning_rate": [0.01, 0.1]}')
        return self.post_study(
            {
                "experiment": plain(experiment),
                "arms": [_arm(arm, value) for arm, value in by_name.items()],
                "seeds": list(seeds),
                "sweep": [{"field": field, "values": list(values)} for field, values in by_field.items()],
                "control": "random_remedy" if control else None,
                "name": name,
                "labels": dict(labels or {}),
            }
        )

    def declare_study(self, body: JsonObject, *, key: str | None = None) -> Study:
        """Declare a study whose arms your own program trains; with the same `key`, get the one declared before."""
        return Study(self.connection, self.connection.post(StudyAnswer, "/v1/recordings/studies", body, key=key))

    def post_study(self, body: JsonObject) -> Study:
        """Queue a study from the JSON of its request."""
        return Study(self.connection, self.connection.post(StudyAnswer, "/v1/studies", body))

    def cancel_study(self, study_id: str) -> str:
        """Cancel a study by its id, without getting it first; returns its status then."""
        return self.connection.post(StudyAnswer, f"/v1/studies/{id_in_path(study_id)}/cancel").status

    def delete_study(self, study_id: str) -> None:
        """Delete a study by its id, without getting it first."""
        self.connection.delete(f"/v1/studies/{id_in_path(study_id)}")

    def get_study(self, study_id: str) -> Study:
        """Get a study by its id."""
        return Study(self.connection, self.connection.get(StudyAnswer, f"/v1/studies/{id_in_path(study_id)}"))

    def studies(self, /, **filters: Any) -> Iterator[Study]:
        """Iterate over studies, newest first. Filters as in the API: status, condition, label."""
        for item in self.connection.items(StudyAnswer, "/v1/studies", **filters):
            yield Study(self.connection, item)


def _named(place: str, given: Mapping[str, Item] | None, *, allowed: str) -> Mapping[str, Item]:
    """A mapping, empty for None; raises InvalidSpec for anything else, as for the lists of a request's JSON."""
    if given is not None and not isinstance(given, Mapping):
        raise InvalidSpec.at(place, f"should be a mapping, not a {type(given).__name__}", allowed=allowed)
    return given or {}


def _arm(name: str, value: Sequence[RemedyLike] | ExperimentLike) -> JsonObject:
    if isinstance(value, Sequence):
        return {"name": name, "remedies": plain_remedies(value)}
    return {"name": name, "experiment": plain(value)}
