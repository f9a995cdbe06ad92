"""The page that shows any runs side by side: their curves and profiles, what they reached, and how they differ."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import isfinite
from statistics import median
from typing import Annotated

import numpy as np
from fastapi import Query
from fastapi.responses import HTMLResponse

from ..api.http.dependencies import TheService
from ..comparison import RunResult, in_one_unit, notes_on
from ..kernel.errors import InsufficientData, InvalidRequest
from ..measurements.statistics import STATISTICS
from ..store import Run
from ..use_cases.comparison import results_of
from ..use_cases.service import Service
from ..use_cases.statistic import GRADIENT, read_profile
from .chosen_runs import MOST, address_of
from .figures import Figure, Line, profile
from .rendering import page_router, render
from .run_groups import Difference, RunGroup, differences, grouped
from .run_rows import condition_of

MOST_NAMED = 200
"""Runs that an address may name."""
MOST_DIFFERENCES = 40
"""Fields that the page shows."""
REACHED = (
    "final_validation_loss",
    "final_validation_accuracy",
    "final_train_loss",
    "relative_train_loss",
    "steps_to_target",
    "depth_slope",
    "train_seconds",
    "parameters",
)
"""The metrics that the page shows."""

router = page_router()


@router.get("/compare")
def show(
    service: TheService,
    run: Annotated[
        list[Annotated[str, Query(max_length=40, pattern="^[A-Za-z0-9_]+$")]], Query(max_length=MOST_NAMED)
    ] = [],  # noqa: B006
) -> HTMLResponse:
    """Runs side by side, in the order in which they were chosen."""
    run_ids = list(dict.fromkeys(run))
    if len(run_ids) > MOST:
        raise InvalidRequest.at("/run", f"{len(run_ids)} runs do not fit side by side", allowed=f"at most {MOST} runs")
    return render("comparison.html", chosen(service, run_ids))


@dataclass(frozen=True)
class ComparedRun:
    """A run in its group."""

    id: str
    seed: int
    status: str
    condition: str
    """Empty until there is a diagnosis."""


@dataclass(frozen=True)
class Column:
    """A group of runs."""

    name: str
    runs: Sequence[ComparedRun]
    without: str
    """The address of the page without it."""


@dataclass(frozen=True)
class Reached:
    """A metric over the runs of a group."""

    median: float | None
    lowest: float
    highest: float
    runs: int
    """Runs that have it."""


@dataclass(frozen=True, kw_only=True)
class ComparisonView:
    """What the page of compared runs shows."""

    groups: Sequence[Column]
    number: int
    """Of the runs."""
    reached: Sequence[tuple[str, Sequence[Reached]]]
    """Each metric that some run has, with its values by group."""
    differences: Sequence[Difference]
    more_differences: int
    notes: Sequence[str]
    query: str
    """The runs as the figures' addresses name them."""
    figures_ready: bool
    most: int = MOST


def chosen(service: Service, run_ids: Sequence[str]) -> ComparisonView:
    """The chosen runs; raises NotFound if there is none of that identifier."""
    runs = _read(service, run_ids)
    groups = grouped(runs)
    results = {each.run_id: each for each in in_one_unit(results_of(service, [(run, run.id) for run in runs]))}
    fields = differences(groups)
    return ComparisonView(
        groups=[_column(group, runs) for group in groups],
        number=len(runs),
        reached=list(_table(groups, results)),
        differences=fields[:MOST_DIFFERENCES],
        more_differences=max(0, len(fields) - MOST_DIFFERENCES),
        notes=[*_apart(fields), *notes_on(results.values())],
        query=",".join(run_ids),
        figures_ready=any(run.step > 0 for run in runs),
    )


def _read(service: Service, run_ids: Sequence[str]) -> list[Run]:
    """The runs in the given order; raises NotFound."""
    service.store.runs.get_many(run_ids)
    found = {run.id: run for run in service.store.runs.with_documents(run_ids)}
    return [found[run_id] for run_id in run_ids if run_id in found]


def _column(group: RunGroup, runs: Sequence[Run]) -> Column:
    return Column(
        group.name,
        [ComparedRun(run.id, run.seed, run.status, condition_of(run) or "") for run in group.runs],
        address_of([run.id for run in runs if run not in group.runs]),
    )


def _table(groups: Sequence[RunGroup], results: dict[str, RunResult]) -> Iterator[tuple[str, Sequence[Reached]]]:
    for metric in REACHED:
        row = [_reached([results[run.id].metric(metric) for run in group.runs]) for group in groups]
        if any(each.runs for each in row):
            yield metric, row


def _reached(values: Sequence[float | None]) -> Reached:
    known = [value if isfinite(value) else float("inf") for value in values if value is not None]
    return Reached(median(known) if known else None, min(known, default=0), max(known, default=0), len(known))


def _apart(fields: Sequence[Difference]) -> Iterator[str]:
    """What makes the losses of the groups incomparable."""
    for part, words in (("/data/", "other data"), ("/loss", "another loss")):
        if any(each.field.startswith(part) for each in fields):
            yield f"Some of these experiments have {words}, so their losses are not comparable."


def runs_of(service: Service, chosen: str) -> list[Run]:
    """The runs that an address names, separated by commas; raises InvalidRequest for too many, and NotFound."""
    run_ids = list(dict.fromkeys(each for each in chosen.split(",") if each))
    if not 1 <= len(run_ids) <= MOST:
        raise InvalidRequest.at("", f"name 1 to {MOST} runs", value=len(run_ids), allowed="runs=a,b,...")
    return _read(service, run_ids)


def profiles_figure(service: Service, runs: Sequence[Run]) -> Figure:
    """The gradient by depth at the last record: a line for each experiment, the geometric mean over its seeds."""
    lines = [line for group in grouped(runs) if (line := _profile_of(service, group)) is not None]
    if not lines:
        raise InsufficientData("none of these runs has recorded gradients yet")
    return profile(lines, title="Gradient by depth, at each run's last record", unit=STATISTICS[GRADIENT].unit)


def _profile_of(service: Service, group: RunGroup) -> Line | None:
    """The profile of the runs that have the layers of the first; None before any of them has recorded something."""
    started = [run for run in group.runs if run.step > 0 and run.layout is not None]
    if not started:
        return None
    found = [read_profile(service, run, statistic=GRADIENT, step=None) for run in started]
    layers = found[0].layers
    measured = np.array([each.values for each in found if each.layers == layers])
    with np.errstate(divide="ignore", invalid="ignore"):
        values = 10.0 ** np.log10(measured).mean(axis=0)
    band = (measured.min(axis=0).tolist(), measured.max(axis=0).tolist()) if len(measured) > 1 else None
    return Line(group.name, layers, values.tolist(), band=band)
