"""The page that shows any runs side by side: what they reached, their curves and profiles, and how they differ."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated

import jsonpatch
from fastapi import Query
from fastapi.responses import HTMLResponse

from ..api.http.dependencies import TheService
from ..kernel.errors import InsufficientData, InvalidRequest
from ..kernel.json import JsonObject
from ..measurements.statistics import STATISTICS
from ..store import Run
from ..use_cases.service import Service
from ..use_cases.statistic import GRADIENT, read_profile
from .chosen_runs import MOST
from .figures import ArmCurve, Figure, Line, arm_curves, profile
from .rendering import page_router, render
from .run import RunRow, called, rows_of
from .study import loss_of

router = page_router()


@router.get("/compare")
def show(
    service: TheService,
    run: Annotated[list[Annotated[str, Query(max_length=40, pattern="^[A-Za-z0-9_]+$")]], Query(max_length=MOST)] = [],  # noqa: B006
) -> HTMLResponse:
    """Runs side by side, in the order in which they were chosen."""
    return render("comparison.html", chosen(service, list(dict.fromkeys(run))))


@dataclass(frozen=True)
class ComparedRun:
    """A run beside others."""

    row: RunRow
    relative_train_loss: float | None
    final_validation_loss: float | None
    final_validation_accuracy: float | None
    differences: Sequence[JsonObject]
    """What its experiment changes of the first run's, as JSON Patch."""


@dataclass(frozen=True, kw_only=True)
class ComparisonView:
    """What the page of compared runs shows."""

    runs: Sequence[ComparedRun]
    query: str
    """The runs as the figures' addresses name them."""
    figures_ready: bool
    most: int = MOST


def chosen(service: Service, run_ids: Sequence[str]) -> ComparisonView:
    """The chosen runs; raises NotFound if there is none of that identifier."""
    found = [service.store.runs.get(run_id) for run_id in run_ids]
    return ComparisonView(
        runs=[
            _compared(row, run, found[0].resolved_experiment)
            for row, run in zip(rows_of(service, found), found, strict=True)
        ],
        query=",".join(run_ids),
        figures_ready=any(run.step > 0 for run in found),
    )


def _compared(row: RunRow, run: Run, first: Mapping[str, object]) -> ComparedRun:
    metrics = run.metrics
    return ComparedRun(
        row,
        None if metrics is None else metrics.relative_train_loss,
        None if metrics is None else metrics.final_validation_loss,
        None if metrics is None else metrics.final_validation_accuracy,
        list(jsonpatch.make_patch(dict(first), dict(run.resolved_experiment))),
    )


def runs_of(service: Service, chosen: str) -> list[Run]:
    """The runs that an address names, separated by commas; raises InvalidRequest for too many, and NotFound."""
    run_ids = list(dict.fromkeys(each for each in chosen.split(",") if each))
    if not 1 <= len(run_ids) <= MOST:
        raise InvalidRequest.at("", f"name 1 to {MOST} runs", value=len(run_ids), allowed="runs=a,b,...")
    return [service.store.runs.get(run_id) for run_id in run_ids]


def curves_figure(service: Service, runs: Sequence[Run]) -> Figure:
    """The loss of each run by step."""
    what, series = loss_of(service, [run.id for run in runs])
    arms = [ArmCurve(called(run), [series[run.id]]) for run in runs if len(series[run.id])]
    if not arms:
        raise InsufficientData("none of these runs has recorded a loss yet")
    return arm_curves(arms, title="Loss by run", note=f"loss of the {what}")


def profiles_figure(service: Service, runs: Sequence[Run]) -> Figure:
    """The gradient by depth of each run, at its last record."""
    lines = []
    for run in runs:
        if run.step > 0 and run.layout is not None:
            found = read_profile(service, run, statistic=GRADIENT, step=None)
            lines.append(Line(called(run), found.layers, found.values))
    if not lines:
        raise InsufficientData("none of these runs has recorded gradients yet")
    return profile(lines, title="Gradient by depth, at each run's last record", unit=STATISTICS[GRADIENT].unit)
