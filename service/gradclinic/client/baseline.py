"""Baselines: names that point at pinned runs."""

from collections.abc import Iterator, Sequence

from ..schemas.baseline import BaselineAnswer
from .check import Check
from .connection import Calls, name_in_path
from .run import Run
from .study import Study
from .submitted import id_of


class BaselineCalls(Calls):
    """What can be asked about baselines."""

    def pin(
        self,
        name: str,
        *,
        study: Study | str | None = None,
        arm: str | None = None,
        runs: Sequence[Run | str] | None = None,
        check: Check | str | None = None,
    ) -> BaselineAnswer:
        """Have a baseline's name point at an arm of a study, at runs, or at the new runs of a check."""
        body = {
            "study_id": None if study is None else id_of(study),
            "arm": arm,
            "run_ids": None if runs is None else [id_of(run) for run in runs],
            "check_id": None if check is None else id_of(check),
        }
        return self.connection.put(BaselineAnswer, f"/v1/baselines/{name_in_path(name)}", body)

    def baseline(self, name: str) -> BaselineAnswer:
        """What a baseline points at, what that was made with, and what it pointed at before."""
        return self.connection.get(BaselineAnswer, f"/v1/baselines/{name_in_path(name)}")

    def baselines(self) -> Iterator[BaselineAnswer]:
        """Baselines, by name."""
        return self.connection.items(BaselineAnswer, "/v1/baselines")

    def delete_baseline(self, name: str) -> None:
        """Take a baseline's name away; its runs stay."""
        self.connection.delete(f"/v1/baselines/{name_in_path(name)}")
