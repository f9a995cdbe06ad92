"""The page of a study, its figures, and its report."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import jsonpatch
import numpy as np
from fastapi.responses import HTMLResponse

from ..api.http.dependencies import StudyId, TheService
from ..claims import CLAIMS, Claim
from ..comparison import (
    METRICS,
    ArmComparison,
    Comparison,
    DiagnosisOverSeeds,
    Metric,
    RunConditions,
    RunResult,
    Swept,
    in_one_unit,
    trainability,
)
from ..comparison.arms import BASELINE
from ..kernel.errors import InsufficientData, InvalidSpec
from ..kernel.json import JsonObject
from ..kernel.vocabulary import metric_in_words
from ..measurements.record import Layout, Series
from ..measurements.statistics import STATISTICS
from ..store import Run, RunSummary, Study
from ..use_cases.claim import LABEL as CLAIM_LABEL
from ..use_cases.comparison import compare_study, results_of
from ..use_cases.service import Service
from ..use_cases.statistic import GRADIENT
from . import filters
from .arm_rows import ArmRow, arm_rows
from .chosen_runs import MOST, address_of
from .figures import ArmCurve, Figure, Line, arm_curves, comparable, profile, ranking, trainability_map
from .loss_curves import loss_of
from .rendering import page_router, render
from .run_groups import fields_of
from .run_rows import RunRow, row_of
from .saved import Figures, SavedFile, rule_sets, saved_file, timestamps
from .seed_grid import SeedGrid, seed_grid
from .sweep_map import Colours, SweepMap, sweep_map

When = Literal["start", "end"]
MOST_DIAGNOSES = 4
"""Number of sweep points whose diagnosis the page shows."""
MOST_RUNS = 500
"""Rows in the table of runs; each takes about half a kilobyte."""

MOST_SHOWN = 30
"""Rows of the table on its page; the list of runs has the others."""
MOST_ARMS = 12
"""Rows of the table of arms that are not folded."""
MOST_NAMED = 3
"""Arms that the answer names besides the best one."""

router = page_router()


@router.get("/studies/{study_id}")
def show(study_id: StudyId, service: TheService, metric: str = next(iter(METRICS))) -> HTMLResponse:
    """One study: which remedy cures it."""
    return render("study.html", one(service, study_id, metric=metric))


@dataclass(frozen=True, kw_only=True)
class StudyView:
    """What the page of a study shows."""

    study: Study
    title: str
    claim: Claim | None
    """The claim that it tests."""
    ended: bool
    comparison: Comparison
    answer: str
    """What the comparison says, in a sentence."""
    untreated: DiagnosisOverSeeds | None
    """Of the baseline, at the same point as the figures."""
    rows: Sequence[ArmRow]
    runs: Sequence[RunRow]
    grid: SeedGrid | None
    """The runs by arm and seed; None for a swept study."""
    sweep_map: SweepMap | None
    """None without a sweep, for more than two swept fields, and for a map that is too large for tables."""
    side_by_side: str | None
    """The page that compares its runs; None if there are too many."""
    figures_ready: bool
    ranking_ready: bool
    """Whether some arm can be compared with the baseline."""
    has_map: bool
    map_ready: bool
    metric: str
    metrics: Sequence[Metric]
    """The metrics by which the arms can be compared."""
    most_diagnoses: int = MOST_DIAGNOSES
    most_shown: int = MOST_SHOWN
    most_arms: int = MOST_ARMS


@dataclass(frozen=True, kw_only=True)
class StudyDocuments:
    """What the report of a study also shows: the experiment as trained, and the changes of each arm."""

    trained: Run | None
    """A run of the baseline."""
    changes: Mapping[str, Sequence[JsonObject]]
    """The changes of each arm, as JSON Patch."""
    more_runs: int
    """Number of runs that are not in the table."""


def one(service: Service, study_id: str, *, metric: str) -> StudyView:
    """One study, with the comparison of the runs that have ended."""
    found = service.store.studies.get(study_id)
    runs = service.store.runs.of_study(study_id)
    comparison = compare_study(service, study_id, metric=metric)
    results = results_of(service, [(run, run.arm or BASELINE) for run in runs])
    return StudyView(
        study=found,
        title=found.name or filters.network(found.experiment) or found.id,
        claim=CLAIMS.get(found.labels.get(CLAIM_LABEL, "")),
        ended=found.status != "running",
        comparison=comparison,
        answer=answer(comparison),
        untreated=_untreated(found, comparison),
        rows=arm_rows(found.arms, comparison, results),
        runs=[row_of(run) for run in runs],
        grid=None if found.sweep else seed_grid(_names(found), runs, results, comparison.metric),
        sweep_map=_tables(found, runs, results, metric=comparison.metric),
        side_by_side=address_of([run.id for run in runs]) if 1 < len(runs) <= MOST and not found.sweep else None,
        figures_ready=any(run.step > 0 for run in runs),
        ranking_ready=bool(comparable(comparison)),
        has_map=1 <= len(found.sweep) <= 2,
        map_ready=any(run.status == "succeeded" for run in runs),
        metric=metric,
        metrics=[each for each in METRICS.values() if each.decides],
    )


def _untreated(study: Study, comparison: Comparison) -> DiagnosisOverSeeds | None:
    found = comparison.baseline_diagnoses
    return next((each for each in found if _is_posted(each.sweep_point, study)), next(iter(found), None))


def answer(comparison: Comparison) -> str:
    """Which arms help, or that none does, in a sentence.

    Of a baseline alone: where it learned, for a sweep that has ended; otherwise empty.
    """
    if not comparison.arms:
        return _where_it_learned(comparison.baseline_conditions_by_seed) if comparison.complete else ""
    if not comparison.complete:
        return "Some runs have not ended, so there are no verdicts yet."
    best = comparison.arms[0]
    reached = _instead(best, comparison)
    if best.verdict not in _HELPS:
        return f"No arm is shown to be better than the baseline; the best one is {best.arm}{reached}."
    others = [arm.arm for arm in comparison.arms[1:] if arm.verdict == best.verdict]
    return f"{best.arm} {_HELPS[best.verdict]}{reached}{_also(others)}."


def _where_it_learned(runs: Sequence[RunConditions]) -> str:
    """At which points of a sweep the network learned with every seed; empty without a sweep."""
    swept = [run for run in runs if run.sweep_point]
    if not swept:
        return ""
    by_point: dict[str, list[bool]] = {}
    for run in swept:
        by_point.setdefault(_point_in_words(run.sweep_point or {}), []).append(run.learned)
    learned = [point for point, seeds in by_point.items() if all(seeds)]
    where = f": {'; '.join(learned)}" if 0 < len(learned) <= MOST_NAMED else ""
    return f"It learned at {len(learned)} of {len(by_point)} points of the sweep{where}."


def _point_in_words(point: Swept) -> str:
    return ", ".join(f"{filters.field(field)} {filters.number(value)}" for field, value in point.items())


_HELPS = {"cures": "cures it", "improves": "improves it"}


def _instead(arm: ArmComparison, comparison: Comparison) -> str:
    """What an arm reached, and the baseline; over a sweep, in how many runs the network learned."""
    reference = comparison.baseline_conditions_by_seed
    if any(run.sweep_point for run in reference):
        learned = sum(run.learned for run in reference)
        return f": it learned in {arm.learned} of {arm.runs} runs, the baseline in {learned}"
    effect = arm.effects.get(comparison.metric)
    if effect is None or effect.difference is None:
        return ""
    name = metric_in_words(comparison.metric)
    return f": {name} {filters.short(effect.arm_mean)} instead of {filters.short(effect.baseline_mean)}"


def _also(others: Sequence[str]) -> str:
    if not others:
        return ""
    named = others if len(others) <= MOST_NAMED else [*others[: MOST_NAMED - 1], f"{len(others) - MOST_NAMED + 1} more"]
    return f"; so {'does' if len(named) == 1 else 'do'} {filters.enumerated(named)}"


def _names(study: Study) -> list[str]:
    return [str(arm["name"]) for arm in study.arms]


def ranking_figure(service: Service, study_id: str, *, metric: str) -> Figure:
    """The arms of a study, best on top."""
    return ranking(compare_study(service, study_id, metric=metric))


def curves_figure(service: Service, study_id: str) -> Figure:
    """The loss of each arm by step, a band over its seeds, at one point of the sweep."""
    study = service.store.studies.get(study_id)
    runs, point = _at_one_point(service, study)
    what, series = loss_of(service, [run.id for run in runs])
    arms = [
        ArmCurve(arm, own, reference=arm == BASELINE)
        for arm in _names(study)
        if (own := [series[run.id] for run in runs if run.arm == arm and len(series[run.id])])
    ]
    if not arms:
        raise InsufficientData("no run of this study has recorded a loss yet")
    known = [run.outcome.constant_loss for run in runs if run.arm == BASELINE and run.outcome is not None]
    return arm_curves(
        arms,
        constant_loss=next((each for each in known if each is not None), None),
        title="Loss by arm",
        note=f"loss of the {what}: median and range over the seeds" + (f", at {filters.point(point)}" if point else ""),
    )


def _at_one_point(service: Service, study: Study) -> tuple[list[RunSummary], JsonObject | None]:
    """The runs that have recorded something, of one point of the sweep: the experiment as posted, or the first one."""
    runs = [run for run in service.store.runs.of_study(study.id) if run.step > 0]
    points = [run.point for run in runs]
    point = next((point for point in points if _is_posted(point, study)), next(iter(points), None))
    return [run for run in runs if run.point == point], point


def _is_posted(point: Mapping[str, object] | None, study: Study) -> bool:
    """Whether a point of a sweep has the values of the experiment as it was posted."""
    posted = fields_of(study.experiment)
    return point is not None and all(posted.get(field) == value for field, value in point.items())


def profiles_figure(service: Service, study_id: str, *, at: When) -> Figure:
    """The gradient by depth for each arm: the geometric mean over its seeds, at one point of the sweep."""
    study = service.store.studies.get(study_id)
    runs, point = _at_one_point(service, study)
    first = 0 if at == "start" else None
    series = service.store.statistics.series_of([run.id for run in runs], GRADIENT, last_step=first) if runs else {}
    lines: list[Line] = []
    seeds: list[int] = []
    for arm in _names(study):
        own = [run for run in runs if run.arm == arm and len(series[run.id])]
        layout = service.store.runs.get(own[0].id).layout if own else None
        if layout is not None:
            lines.append(_arm_profile(arm, layout, [series[run.id] for run in own]))
            seeds.append(len(own))
    if not lines:
        gone = any(run.retention == "summary" for run in runs)
        why = "has gradients that are still kept" if gone else "has recorded gradients yet"
        raise InsufficientData(f"no run of this study {why}")
    when = "before the first step" if at == "start" else "at each run's last record"
    return profile(
        lines,
        title=f"Gradient against depth, {when}",
        unit=STATISTICS[GRADIENT].unit,
        note=f"geometric mean and range over {max(seeds)} seed{'s' if max(seeds) > 1 else ''}"
        + (f", at {filters.point(point)}" if point else ""),
    )


def _arm_profile(arm: str, layout: Layout, series: Sequence[Series]) -> Line:
    """The geometric mean over the seeds, and their range if there are several."""
    columns = list(layout.profile_columns)
    last = np.array([each.values[-1, columns] for each in series], dtype=np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):
        values = 10.0 ** np.log10(last).mean(axis=0)
    return Line(
        arm,
        [layout.sites[index].name for index in columns],
        values.tolist(),
        reference=arm == BASELINE,
        band=(last.min(axis=0).tolist(), last.max(axis=0).tolist()) if len(last) > 1 else None,
    )


def map_figure(service: Service, study_id: str, *, metric: str) -> Figure:
    """The results of each arm over the sweep; raises InsufficientData if none or more than two fields were swept."""
    if metric not in METRICS:
        raise InvalidSpec.at("/metric", f"there is no metric {metric!r}", value=metric, allowed=", ".join(METRICS))
    runs = service.store.runs.of_study(study_id)
    if not runs:
        service.store.studies.get(study_id)
    results = in_one_unit(results_of(service, [(run, run.arm or BASELINE) for run in runs]))
    colours = _colours(metric, results)
    return trainability_map(
        trainability(results, metric=metric),
        log=colours.log,
        lower_is_better=colours.lower_is_better,
        worst=colours.worst,
    )


def _tables(study: Study, runs: Sequence[RunSummary], results: Sequence[RunResult], *, metric: str) -> SweepMap | None:
    """The map of a study as tables."""
    if not 1 <= len(study.sweep) <= 2:
        return None
    results = in_one_unit(results)
    ended = [run for run in runs if run.status == "succeeded"]
    return sweep_map(trainability(results, metric=metric), ended, _colours(metric, results))


def _colours(metric: str, results: Sequence[RunResult]) -> Colours:
    chosen = METRICS[metric]
    return Colours(log=chosen.log, lower_is_better=chosen.better != "higher", worst=_worst(metric, results))


BEYOND = 1.5
"""Losses above this multiple of always predicting the average have one colour: nothing was learned, or it diverged."""


def _worst(metric: str, results: Sequence[RunResult]) -> float | None:
    if metric == "relative_train_loss":
        return BEYOND
    known = [result.constant_loss for result in results if result.constant_loss is not None]
    return BEYOND * max(known) if metric.endswith("_loss") and known else None


def report(service: Service, study_id: str, *, metric: str) -> tuple[StudyView, StudyDocuments, SavedFile]:
    """What the report of a study shows in addition to the page."""
    shown = one(service, study_id, metric=metric)
    study, runs = shown.study, [row.run for row in shown.runs]
    at = f"/v1/figures/studies/{study.id}"
    figures: Figures = {
        f"{at}/ranking?metric={metric}": lambda: ranking_figure(service, study.id, metric=metric),
        f"{at}/map?metric={metric}": lambda: map_figure(service, study.id, metric=metric),
        f"{at}/curves": lambda: curves_figure(service, study.id),
        f"{at}/profiles?at=start": lambda: profiles_figure(service, study.id, at="start"),
        f"{at}/profiles?at=end": lambda: profiles_figure(service, study.id, at="end"),
    }
    facts = [("Study", study.id), *timestamps(study), *rule_sets(runs)]
    return (
        replace(shown, runs=shown.runs[:MOST_RUNS]),
        _documents(service, runs),
        saved_file("study", figures, facts=facts, labels=study.labels, runs=runs),
    )


def _documents(service: Service, runs: Sequence[RunSummary]) -> StudyDocuments:
    more = max(0, len(runs) - MOST_RUNS)
    reference = next((run for run in runs if run.arm == BASELINE), None)
    if reference is None:
        return StudyDocuments(trained=None, changes={}, more_runs=more)
    trained = service.store.runs.get(reference.id)
    before = dict(trained.resolved_experiment)
    changes = {
        str(run.arm): list(jsonpatch.make_patch(before, dict(service.store.runs.get(run.id).resolved_experiment)))
        for run in runs
        if (run.seed, run.point) == (reference.seed, reference.point) and run.id != reference.id
    }
    return StudyDocuments(trained=trained, changes=changes, more_runs=more)
