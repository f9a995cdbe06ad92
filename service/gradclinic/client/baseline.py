"""Baselines: pinned runs with a name."""

from collections.abc import Iterator, Sequence

from ..schemas.baseline import BaselineAnswer
from .check import Check
from .connection import Calls, name_in_path
from .run import Run
from .study import Study
from .submitted import id_of


class BaselineCalls(Calls):
    """The methods of `Clinic` for baselines."""

    def pin(
        self,
        name: str,
        *,
        study: Study | str | None = None,
        arm: str | None = None,
        runs: Sequence[Run | str] | None = None,
        check: Check | str | None = None,
    ) -> BaselineAnswer:
        """Pin runs as a named baseline: an arm of a study, a list of runs, or the new runs of a check."""
        body = {
            "study_id": None if study is None else id_of(study),
            "arm": arm,
            "run_ids": None if runs is None else [id_of(run) for run in runs],
            "check_id": None if check is None else id_of(check),
        }
        return self.connection.put(BaselineAnswer, f"/v1/baselines/{name_in_path(name)}", body)

    def baseline(self, name: str) -> BaselineAnswer:
        """Get a baseline: its runs, how they were made, and what was pinned before."""
        return self.connection.get(BaselineAnswer, f"/v1/baselines/{name_in_path(name)}")

    def baselines(self) -> Iterator[BaselineAnswer]:
        """Iterate over baselines, by name."""
        return self.connection.items(BaselineAnswer, "/v1/baselines")

    def delete_baseline(self, name: str) -> None:
        """Delete a baseline; its runs are kept."""
        self.connection.delete(f"/v1/baselines/{name_in_path(name)}")
