"""Trainability maps: how the trainings of each arm end over one or two swept fields."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import inf, isfinite
from statistics import median

from ..kernel.errors import InsufficientData
from .metrics import DEFAULT_METRIC
from .results import RunResult, in_one_unit

Point = tuple[float, ...]
"""Values of the swept fields."""


@dataclass(frozen=True)
class SweptField:
    """An axis of the map."""

    field: str
    """JSON pointer into the experiment."""
    values: tuple[float, ...]
    """In increasing order."""


@dataclass(frozen=True, kw_only=True)
class Cell:
    """The finished runs of an arm at one point of the sweep."""

    outcome: str
    """The most frequent primary condition."""
    learned_fraction: float
    """Fraction of these runs that learned."""
    median: float | None
    """Median of the metric over the seeds; non-finite values count as infinite. None if no run has the metric."""
    runs: int


@dataclass(frozen=True, kw_only=True)
class ArmMap:
    """The results of one arm over the sweep."""

    arm: str
    cells: tuple[tuple[Cell | None, ...], ...]
    """[y][x]: rows are values of the second field, columns of the first; one row if one field was swept. A cell is None
    if no run has ended there."""
    trainable_fraction: float | None
    """Fraction of the finished runs that learned; None without finished runs."""


@dataclass(frozen=True, kw_only=True)
class TrainabilityMap:
    """All arms over the same sweep."""

    metric: str
    x: SweptField
    y: SweptField | None
    """None if one field was swept."""
    arms: tuple[ArmMap, ...]


def trainability(results: Iterable[RunResult], *, metric: str = DEFAULT_METRIC) -> TrainabilityMap:
    """For each arm and point: the most frequent outcome, the fraction that learned, and the median of the metric.

    Raises InsufficientData unless the runs were swept over one or two fields.
    """
    runs = in_one_unit(results)
    fields = list(dict.fromkeys(field for run in runs for field in run.swept or ()))
    if not 1 <= len(fields) <= 2:
        raise InsufficientData(f"a map needs runs swept over one or two fields; these were swept over {len(fields)}")
    x, *others = (
        SweptField(field, tuple(sorted({run.swept[field] for run in runs if run.swept and field in run.swept})))
        for field in fields
    )
    y = others[0] if others else None
    by_arm: dict[str, dict[Point, list[RunResult]]] = {}
    for run in runs:
        here = by_arm.setdefault(run.arm, {})
        if run.succeeded and run.swept and all(field in run.swept for field in fields):
            here.setdefault(tuple(run.swept[field] for field in fields), []).append(run)
    return TrainabilityMap(
        metric=metric,
        x=x,
        y=y,
        arms=tuple(_map(arm, by_point, _points(x, y), metric=metric) for arm, by_point in by_arm.items()),
    )


def _points(x: SweptField, y: SweptField | None) -> list[list[Point]]:
    if y is None:
        return [[(value,) for value in x.values]]
    return [[(value, other) for value in x.values] for other in y.values]


def _map(arm: str, by_point: Mapping[Point, Sequence[RunResult]], points: list[list[Point]], *, metric: str) -> ArmMap:
    ended = [run for runs in by_point.values() for run in runs]
    return ArmMap(
        arm=arm,
        cells=tuple(tuple(_cell(by_point.get(point, ()), metric) for point in row) for row in points),
        trainable_fraction=sum(run.learned for run in ended) / len(ended) if ended else None,
    )


def _cell(runs: Sequence[RunResult], metric: str) -> Cell | None:
    if not runs:
        return None
    values = [value for run in runs if (value := run.metric(metric)) is not None]
    return Cell(
        outcome=Counter(run.primary for run in runs).most_common(1)[0][0],
        learned_fraction=sum(run.learned for run in runs) / len(runs),
        median=median(value if isfinite(value) else inf for value in values) if values else None,
        runs=len(runs),
    )
