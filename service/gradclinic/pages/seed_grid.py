"""The runs of a study as a grid: a row for each arm, a column for each seed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ..comparison import RunResult
from ..store import RunSummary

MOST_CELLS, MOST_SEEDS = 400, 20
"""Cells of a grid, and its columns; the list of runs has the others."""


@dataclass(frozen=True)
class SeedCell:
    """One run."""

    run: RunSummary
    condition: str | None
    value: float | None
    """The metric by which the arms are compared."""


@dataclass(frozen=True)
class SeedGrid:
    """Arms by seeds."""

    seeds: Sequence[int]
    rows: Sequence[tuple[str, Sequence[SeedCell | None]]]
    """Each arm with a cell for each seed; None where there is no run yet."""
    more: bool
    """Whether it leaves out runs."""


def seed_grid(arms: Sequence[str], runs: Sequence[RunSummary], results: Sequence[RunResult], metric: str) -> SeedGrid:
    """The arms in the given order; as many seeds and arms as fit. `results` are those of `runs`, in the same order."""
    seeds = sorted({run.seed for run in runs})
    shown = seeds[:MOST_SEEDS]
    named = arms[: MOST_CELLS // max(1, len(shown))]
    cells: Mapping[tuple[str | None, int], SeedCell] = {
        (run.arm, run.seed): SeedCell(run, result.primary if result.diagnosis else None, result.metric(metric))
        for run, result in zip(runs, results, strict=True)
    }
    rows = [(arm, [cells.get((arm, seed)) for seed in shown]) for arm in named]
    return SeedGrid(shown, rows, more=len(seeds) > len(shown) or len(arms) > len(named))
