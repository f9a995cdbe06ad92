"""The loss of each run of a list as a small line, drawn into the page."""

from collections.abc import Mapping, Sequence
from math import isfinite

from ..measurements.record import Series
from ..store import ListedRun
from ..use_cases.service import Service

WIDTH, HEIGHT, EDGE = 100, 24, 2
MOST_POINTS = 40
MOST_STEPS = 2_000
"""Of longer runs without a probe, the loss of each step is not read for a small picture."""


def sparklines(service: Service, runs: Sequence[ListedRun]) -> Mapping[str, str]:
    """The path of each run's loss in an SVG of WIDTH x HEIGHT, by run id: of the probe, or else of its steps."""
    started = [run.id for run in runs if run.step > 1]
    found = _read(service, started, "probe_loss")
    short = [run.id for run in runs if run.id not in found and 1 < run.step <= MOST_STEPS]
    found |= _read(service, short, "train_loss")
    return {run_id: path for run_id, series in found.items() if (path := path_of(series))}


def _read(service: Service, run_ids: Sequence[str], statistic: str) -> dict[str, Series]:
    if not run_ids:
        return {}
    found = service.store.statistics.series_by_run(run_ids, [statistic])
    return {run_id: series[statistic] for run_id, series in found.items() if statistic in series}


def path_of(series: Series) -> str:
    """The line of a series as the path of an SVG; empty below two values.

    The scale begins at 0: from the lowest value up, a loss that hardly changes would look like one that falls.
    """
    steps, values = series.steps.tolist(), series.values[:, 0].tolist()
    points = [(step, value) for step, value in zip(steps, values, strict=True) if isfinite(value)]
    if len(points) < 2:
        return ""
    points = [*points[: -1 : -(-len(points) // MOST_POINTS)], points[-1]]
    low, high = min(0.0, *(value for _, value in points)), max(0.0, *(value for _, value in points))
    last = max(1, steps[-1])
    drawn = [
        (WIDTH * step / last, EDGE + (HEIGHT - 2 * EDGE) * (high - value) / (high - low or 1)) for step, value in points
    ]
    return "M" + "L".join(f"{x:.4g} {y:.3g}" for x, y in drawn)
