"""Trainability maps: over two swept fields, how each arm's trainings end, with and without a remedy side by side."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from math import inf, isfinite
from statistics import median
from typing import Any

from ..kernel.errors import InsufficientData
from .metrics import DEFAULT_METRIC
from .results import RunResult

Grid = list[list[Any]]
"""[y][x]: rows are values of the second field, columns of the first; a single row where one field was swept."""


def trainability(results: Iterable[RunResult], *, metric: str = DEFAULT_METRIC) -> dict[str, Any]:
    """Per arm a grid of outcomes, of the share of runs that learned, and of the metric's median over the seeds.

    `outcome` is the most frequent primary condition of the cell's runs, null where none has ended. In a median,
    non-finite values count as infinite, and an infinite median is the string "Infinity".
    Raises InsufficientData where the runs were swept over no field, or over more than two.
    """
    runs = list(results)
    fields = list(dict.fromkeys(field for run in runs for field, _ in run.sweep_point or ()))
    if not 1 <= len(fields) <= 2:
        raise InsufficientData(f"a map needs runs swept over one or two fields; these were swept over {len(fields)}")
    axes = [
        sorted({value for run in runs for name, value in run.sweep_point or () if name == field}) for field in fields
    ]
    cells: dict[str, dict[tuple[Any, ...], list[RunResult]]] = {}
    for run in runs:
        point = dict(run.sweep_point or ())
        here = cells.setdefault(run.arm, {})
        if run.succeeded:
            here.setdefault(tuple(point.get(field) for field in fields), []).append(run)
    keys = _keys(axes)
    return {
        "metric": metric,
        "x": {"field": fields[0], "values": axes[0]},
        "y": {"field": fields[1], "values": axes[1]} if len(fields) == 2 else None,
        "arms": [_map(arm, by_point, keys, metric=metric) for arm, by_point in cells.items()],
    }


def _keys(axes: Sequence[Sequence[Any]]) -> list[list[tuple[Any, ...]]]:
    if len(axes) == 1:
        return [[(x,) for x in axes[0]]]
    return [[(x, y) for x in axes[0]] for y in axes[1]]


def _map(
    arm: str, cells: Mapping[tuple[Any, ...], Sequence[RunResult]], keys: list[list[tuple[Any, ...]]], *, metric: str
) -> dict[str, Any]:
    def grid(value: Any) -> Grid:
        return [[value(cells[key]) if key in cells else None for key in row] for row in keys]

    ended = [run for runs in cells.values() for run in runs]
    return {
        "arm": arm,
        "outcome": grid(lambda runs: Counter(run.primary for run in runs).most_common(1)[0][0]),
        "learned_share": grid(lambda runs: sum(run.learned for run in runs) / len(runs)),
        "median": grid(lambda runs: _median(runs, metric)),
        "runs": grid(len),
        "trainable_share": sum(run.learned for run in ended) / len(ended) if ended else None,
    }


def _median(runs: Sequence[RunResult], metric: str) -> float | str | None:
    values = [value for run in runs if (value := run.metric(metric)) is not None]
    if not values:
        return None
    middle = median(value if isfinite(value) else inf for value in values)
    return middle if isfinite(middle) else "Infinity"
