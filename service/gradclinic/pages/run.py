"""The page of a run, its figures, and its report."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite

from fastapi.responses import HTMLResponse

from ..api.http.dependencies import RunId, TheService
from ..comparison import METRICS
from ..diagnosis import Diagnosis
from ..diagnosis.rules.healthy import LEVEL
from ..kernel.errors import InsufficientData, InvalidSpec
from ..kernel.json import JsonObject
from ..measurements.statistics import STATISTICS
from ..measurements.statistics.base import Statistic
from ..remedies import Remedy
from ..schemas.run import RunMetricsAnswer
from ..store import Recording, Run, Transition
from ..text.run import KEPT
from ..use_cases.dataset import is_repeatable
from ..use_cases.diagnosis import diagnosis_of
from ..use_cases.service import Service
from ..use_cases.statistic import GRADIENT, read_profile, read_series
from .configuration import Configuration, configuration_of
from .figures import Figure, Line, Scale, curves, heatmap, profile
from .figures.curves import NAMES
from .filters import capital, network
from .filters import statistic as in_words
from .loss_curves import loss_figure, validation_of
from .rendering import page_router, render
from .run_rows import called
from .saved import Figures, SavedFile, saved_file, timestamps

router = page_router()


@router.get("/runs/{run_id}")
def show(run_id: RunId, service: TheService) -> HTMLResponse:
    """One run: what is wrong, where, since which step, and what may help."""
    return render("run.html", one(service, run_id))


@dataclass(frozen=True, kw_only=True)
class RunView:
    """What the page of a run shows."""

    run: Run
    title: str
    recording: Recording | None
    """The declaration of an external program; None if the service trained the run."""
    prescription: str | None
    """The prescription that the run is part of."""
    check: str | None
    """The check that the run is part of."""
    ended: bool
    figures_ready: bool
    diagnosis: Diagnosis | None
    provisional: bool
    """Whether the run is still in progress, so that the diagnosis may change."""
    missing: str | None
    """Why there is no diagnosis."""
    early: bool
    """Whether it is not known yet which findings hurt learning."""
    metrics: Sequence[tuple[str, float | int | None, str]]
    """Each metric that it has, with its value and its meaning."""
    transitions: Sequence[Transition]
    kept: str | None
    """What is left of its statistics, in words; None if they are all there."""
    repeatable: bool
    configuration: Configuration | None
    """How the run is configured; None if an external program trained it."""
    trial: JsonObject | None
    """A study of the suggested remedies, ready to post."""
    statistics: Sequence[Statistic]
    """What was recorded of each layer."""


def one(service: Service, run_id: str) -> RunView:
    """One run with its diagnosis: the stored one, or the diagnosis so far."""
    found = service.store.runs.get(run_id)
    diagnosis, provisional, missing = _diagnosis(service, found)
    repeatable = is_repeatable(service.store, found)
    return RunView(
        run=found,
        title=_title(found),
        recording=None if found.origin == "service" else service.store.recordings.get(run_id),
        prescription=service.store.prescriptions.of_runs([run_id]).get(run_id),
        check=service.store.checks.of_runs([run_id]).get(run_id),
        ended=found.ended,
        figures_ready=found.step > 0,
        diagnosis=diagnosis,
        provisional=provisional,
        missing=missing,
        early=found.outcome is None,
        metrics=_metrics(found),
        transitions=service.store.runs.transitions(run_id),
        kept=KEPT.get(found.retention),
        repeatable=repeatable,
        configuration=configuration_of(service, found.resolved_experiment) if found.origin == "service" else None,
        trial=_trial(found, diagnosis) if diagnosis is not None and repeatable else None,
        statistics=_statistics(service, run_id),
    )


def _title(found: Run) -> str:
    """The title of its page, which has room for the data beside the model."""
    alone = not (found.name or found.arm)
    return (network(found.resolved_experiment) if alone else "") or called(found)


def _statistics(service: Service, run_id: str) -> list[Statistic]:
    recorded = service.store.statistics.extents(run_id)
    return [each for each in STATISTICS.values() if each.per != "run" and each.name in recorded]


def _metrics(run: Run) -> Sequence[tuple[str, float | int | None, str]]:
    if run.metrics is None:
        return ()
    found = RunMetricsAnswer.model_validate(run.metrics)
    return [(name, value, _help(name)) for name, value in found if value is not None]


def _help(metric: str) -> str:
    return METRICS[metric].help if metric in METRICS else _OTHER_METRICS.get(metric, "")


_OTHER_METRICS = {
    "loss_unit": "One unit of the loss in squared units of the targets; empty if they are the same, or unknown",
    "train_seconds": "Seconds of training, without recording",
    "alone_step_seconds": "Seconds of a step, if trained alone",
    "recording_seconds": "Seconds spent on recording",
    "saved_share": "Fraction of the steps saved by early stopping",
}


def _diagnosis(service: Service, found: Run) -> tuple[Diagnosis | None, bool, str | None]:
    try:
        diagnosis, provisional = diagnosis_of(service, found)
    except InsufficientData as why:
        return None, False, str(why)
    return diagnosis, provisional, None


def _trial(found: Run, diagnosis: Diagnosis) -> JsonObject | None:
    """A study that compares all suggested remedies, ready to post."""
    arms: dict[str, Remedy] = {}
    for remedy in dict.fromkeys(remedy for finding in diagnosis.findings for remedy in finding.suggested_remedies):
        arms[_arm_name(remedy, list(arms))] = remedy
    if not arms or found.origin != "service":
        return None
    return {
        "name": f"remedies for {called(found)}"[:100],
        "experiment": found.resolved_experiment,
        "arms": [{"name": name, "remedies": [remedy.to_json()]} for name, remedy in arms.items()],
        "seeds": [0, 1, 2],
    }


def _arm_name(remedy: Remedy, taken: list[str]) -> str:
    name = remedy.kind
    number = 2
    while name in taken:
        name = f"{remedy.kind} {number}"
        number += 1
    return name


def heatmap_figure(service: Service, run: Run, *, scale: Scale, statistic: str = GRADIENT) -> Figure:
    """A statistic of one run by layer and step; raises InsufficientData if it is not recorded (yet)."""
    what = _by_layer(statistic)
    (found,) = read_series(service, run, [statistic])
    if not len(found.series) or not found.layers:
        raise InsufficientData(f"the run is {run.status} and has not recorded {statistic} yet")
    in_profile = run.layout.profile_columns if run.layout is not None and what.per == "site" else ()
    reference = in_profile[-1] if in_profile else len(found.layers) - 1
    return heatmap(
        found.series,
        found.layers,
        reference=reference,
        scale=scale,
        symbol=_symbol(what),
        logarithmic=_is_logarithmic(what),
        title=f"{capital(_symbol(what))} by layer and step: {called(run)}",
    )


def layers_figure(service: Service, run: Run, *, statistic: str, step: int | None) -> Figure:
    """A statistic by depth at a step, or at the last one; raises InsufficientData if it is not recorded (yet)."""
    what = _by_layer(statistic)
    found = read_profile(service, run, statistic=statistic, step=step)
    return profile(
        [Line(f"step {found.step}", found.layers, found.values)],
        title=f"{capital(in_words(statistic))} by depth: {called(run)}",
        symbol=_symbol(what),
        unit=what.unit,
        logarithmic=_is_logarithmic(what),
        note=f"{capital(in_words(statistic))} at step {found.step}",
    )


def _by_layer(name: str) -> Statistic:
    """A statistic that has a value for each layer; raises InvalidSpec for another one."""
    if name in STATISTICS and STATISTICS[name].per != "run":
        return STATISTICS[name]
    allowed = ", ".join(each.name for each in STATISTICS.values() if each.per != "run")
    raise InvalidSpec.at("/statistic", f"{name!r} is no statistic of layers", value=name, allowed=allowed)


def _symbol(what: Statistic) -> str:
    return "gradient" if what.name == GRADIENT else in_words(what.name)


def _is_logarithmic(what: Statistic) -> bool:
    return what.unit not in _LINEAR and what.name != "preactivation_mean"


_LINEAR = {"fraction", "entries", "directions", "logit"}
"""Units of statistics that can be 0, and do not span orders of magnitude."""


def profile_figure(service: Service, run: Run) -> Figure:
    """The gradient by depth before the first step and at the last one, with the prediction for the first."""
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
        note=slope_in_words(first.slope, first.prediction.depth_slope if first.prediction else None),
    )


def slope_in_words(slope: float | None, predicted: float | None) -> str | None:
    """The gradient decay D before the first step as a sentence; None if it is not known."""
    if slope is None:
        return None
    if not isfinite(slope):
        return f"the gradient {'is exactly 0 on its way' if slope > 0 else 'is not finite'} at step 0"
    rounded = round(slope, 1) + 0.0  # no minus before a zero
    how = "is level" if abs(slope) < LEVEL else f"{_way(slope)} by a factor of 10^{abs(rounded)}"
    text = f"D = {rounded}: the gradient {how} from output to input at step 0"
    return text if predicted is None else f"{text}, predicted {round(predicted, 1) + 0.0}"


def _way(slope: float) -> str:
    return "shrinks" if slope > 0 else "grows"


def curves_figure(service: Service, run: Run) -> Figure:
    """Loss, gradient norm, learning rate."""
    series = {named.statistic: named.series for named in read_series(service, run, list(NAMES))}
    if not any(len(each) for each in series.values()):
        raise InsufficientData(f"the run is {run.status} and has recorded nothing yet")
    constant = run.outcome.constant_loss if run.outcome is not None else None
    clips = run.layout is not None and run.layout.clipping is not None
    return curves(
        series, constant_loss=constant, validation=validation_of(run), clipped=clips, title=f"Curves: {called(run)}"
    )


def report(service: Service, run_id: str) -> tuple[RunView, SavedFile]:
    """What the report of a run shows in addition to the page."""
    shown = one(service, run_id)
    run = shown.run
    at = f"/v1/figures/runs/{run.id}"
    figures: Figures = {
        f"{at}/heatmap?scale=absolute": lambda: heatmap_figure(service, run, scale="absolute"),
        f"{at}/heatmap?scale=relative": lambda: heatmap_figure(service, run, scale="relative"),
        f"{at}/profile": lambda: profile_figure(service, run),
        f"/v1/figures/comparisons/curves?runs={run.id}": lambda: loss_figure(service, [run]),
        f"{at}/curves": lambda: curves_figure(service, run),
    }
    facts = [
        ("Run", run.id),
        ("Study", run.study_id),
        ("Prescription", shown.prescription),
        ("Seed", run.seed),
        ("Attempt", run.attempt),
        ("Rule set", shown.diagnosis.rule_set if shown.diagnosis is not None else None),
        *timestamps(run, run.started_at),
    ]
    return shown, saved_file("run", figures, facts=facts, labels=run.labels, runs=[run])
