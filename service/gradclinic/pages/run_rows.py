"""Runs as rows of a table, and their titles."""

from dataclasses import dataclass

from ..store import ListedRun, RunSummary
from . import filters


@dataclass(frozen=True)
class RunRow:
    """A row in a table of runs."""

    run: RunSummary
    called: str
    condition: str | None


def condition_of(run: RunSummary) -> str | None:
    """The primary condition of a run; None before it is diagnosed."""
    return None if run.diagnosis is None else run.diagnosis.primary


def called(run: RunSummary | ListedRun) -> str:
    """The title of a run: its name; otherwise its arm, seed and sweep point; otherwise its model."""
    if run.name:
        return run.name
    if not run.arm:
        return run.model or (run.id if run.origin == "service" else "recorded run")
    place = [filters.point(run.point)] if run.point else []
    return ", ".join([run.arm, f"seed {run.seed}", *place])


def row_of(run: RunSummary) -> RunRow:
    """A row in a table of runs."""
    return RunRow(run, called(run), condition_of(run))
