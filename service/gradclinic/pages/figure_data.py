"""What each figure shows, read from the store; the figures themselves are pure functions of it."""

from collections.abc import Sequence
from math import isfinite
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from ..comparison import METRICS, RunResult, trainability
from ..comparison.arms import BASELINE
from ..kernel.errors import InsufficientData, InvalidSpec
from ..measurements.record import STATISTICS, Layout, Series
from ..store import Run
from ..use_cases.comparison import compare_study, results_of
from ..use_cases.service import Service
from ..use_cases.statistic import GRADIENT, read_profile, read_series
from .figures import Figure, Line, Scale, curves, heatmap, profile, ranking, trainability_map
from .figures.curves import NAMES
from .words import field

When = Literal["start", "end"]


def run_heatmap(service: Service, run: Run, *, scale: Scale) -> Figure:
    """Layer against step of one run; raises InsufficientData before anything is recorded."""
    (found,) = read_series(service, run, [GRADIENT])
    if not len(found.series) or not found.layers:
        raise InsufficientData(f"the run is {run.status} and has recorded no gradients yet")
    in_profile = run.layout.profile_columns if run.layout is not None else ()
    reference = in_profile[-1] if in_profile else len(found.layers) - 1
    return heatmap(
        found.series, found.layers, reference=reference, scale=scale, title=f"Gradient by layer and step: {called(run)}"
    )


def run_profile(service: Service, run: Run) -> Figure:
    """Gradient against depth before the first step and at the last, with the prediction for the first."""
    first = read_profile(service, run, statistic=GRADIENT, step=0)
    last = read_profile(service, run, statistic=GRADIENT, step=None)
    lines = [Line(f"measured at step {first.step}", first.layers, first.values)]
    if last.step > first.step:
        lines.append(Line(f"measured at step {last.step}", last.layers, last.values))
    predicted = first.predicted()
    if predicted:
        names = [layer for layer in first.layers if layer in predicted]
        values = [predicted[layer] for layer in names]
        lines.append(Line("predicted for step 0", names, values, predicted=True))
    return profile(
        lines,
        title=f"Gradient against depth: {called(run)}",
        unit=STATISTICS[GRADIENT].unit,
        note=_slope_in_words(first.slope, first.prediction.depth_slope if first.prediction else None),
    )


def _slope_in_words(slope: float | None, predicted: float | None) -> str | None:
    if slope is None:
        return None
    if not isfinite(slope):
        return f"the gradient {'is exactly 0 on its way' if slope > 0 else 'is not finite'} at step 0"
    verb = "lost" if slope >= 0 else "gained"
    text = f"D = {slope:.1f}: {abs(slope):.1f} decades {verb} from output to input at step 0"
    return text if predicted is None else f"{text}, predicted {predicted:.1f}"


def run_curves(service: Service, run: Run) -> Figure:
    """Loss, gradient norm, learning rate."""
    series = {named.statistic: named.series for named in read_series(service, run, list(NAMES))}
    if not any(len(each) for each in series.values()):
        raise InsufficientData(f"the run is {run.status} and has recorded nothing yet")
    constant = run.outcome.constant_loss if run.outcome is not None else None
    clips = run.layout is not None and run.layout.clipping is not None
    return curves(series, constant_loss=constant, clipped=clips, title=f"Curves: {called(run)}")


def study_ranking(service: Service, study_id: str, *, metric: str) -> Figure:
    """The arms of a study, best on top."""
    return ranking(compare_study(service, study_id, metric=metric))


def study_profiles(service: Service, study_id: str, *, at: When) -> Figure:
    """The gradient against depth of every arm: the geometric mean over its seeds, at the sweep's first point."""
    study = service.store.studies.get(study_id)
    runs = [run for run in service.store.runs.of_study(study_id) if run.layout is not None]
    point = next((run.point for run in runs), None)
    runs = [run for run in runs if run.point == point]
    first = 0 if at == "start" else None
    series = service.store.statistics.series_of([run.id for run in runs], GRADIENT, last_step=first) if runs else {}
    lines: list[Line] = []
    seeds: list[int] = []
    for arm in (str(arm["name"]) for arm in study.arms):
        own = [run for run in runs if run.arm == arm and len(series[run.id])]
        layout = own[0].layout if own else None
        if layout is not None:
            layers, values = _arm_profile(layout, [series[run.id] for run in own])
            lines.append(Line(arm, layers, values.tolist(), reference=arm == "baseline"))
            seeds.append(len(own))
    if not lines:
        raise InsufficientData("no run of this study has recorded gradients yet")
    when = "before the first step" if at == "start" else "at each run's last record"
    return profile(
        lines,
        title=f"Gradient against depth, {when}",
        unit=STATISTICS[GRADIENT].unit,
        note=f"mean of log10 g over {max(seeds)} seed{'s' if max(seeds) > 1 else ''}"
        + (f", at {_point_in_words(point)}" if point else ""),
    )


def _arm_profile(layout: Layout, series: Sequence[Series]) -> tuple[list[str], "npt.NDArray[np.float64]"]:
    columns = list(layout.profile_columns)
    last = np.array([each.values[-1, columns] for each in series], dtype=np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):
        values = 10.0 ** np.log10(np.maximum(last, 1e-45)).mean(axis=0)
    return [layout.sites[index].name for index in columns], values


def _point_in_words(point: Any) -> str:
    return ", ".join(f"{field(pointer)} {value:g}" for pointer, value in dict(point).items())


def study_map(service: Service, study_id: str, *, metric: str) -> Figure:
    """What each arm of a swept study reached over the sweep; raises InsufficientData for no sweep, or three fields."""
    if metric not in METRICS:
        raise InvalidSpec.at("/metric", f"there is no metric {metric!r}", value=metric, allowed=", ".join(METRICS))
    chosen = METRICS[metric]
    runs = service.store.runs.of_study(study_id)
    if not runs:
        service.store.studies.get(study_id)
    results = results_of(service, [(run, run.arm or BASELINE) for run in runs])
    return trainability_map(
        trainability(results, metric=metric),
        log=chosen.log,
        lower_is_better=chosen.better != "higher",
        worst=_worst(metric, results),
    )


BEYOND = 1.5
"""Losses beyond so many times the constant predictor's share one colour: nothing was learned, or it diverged."""


def _worst(metric: str, results: Sequence[RunResult]) -> float | None:
    if metric == "relative_train_loss":
        return BEYOND
    known = [result.constant_loss for result in results if result.constant_loss is not None]
    return BEYOND * max(known) if metric.endswith("_loss") and known else None


def condition_of(run: Run) -> str | None:
    """The primary condition of a run; None before it is judged."""
    return None if run.diagnosis is None else str(run.diagnosis["primary"])


def called(run: Run) -> str:
    """What a person calls a run: its name, else arm, seed and place in the sweep, else its identifier."""
    if run.name:
        return run.name
    if not run.arm:
        return run.id
    place = [_point_in_words(run.point)] if run.point else []
    return ", ".join([run.arm, f"seed {run.seed}", *place])


__all__ = [
    "called",
    "condition_of",
    "run_curves",
    "run_heatmap",
    "run_profile",
    "study_map",
    "study_profiles",
    "study_ranking",
]
