"""What each page shows, as plain values for its template."""

from collections.abc import Iterable, Mapping
from typing import Any

from ..claims import CLAIMS
from ..comparison import METRICS
from ..kernel.errors import InsufficientData
from ..kernel.status import ENDED
from ..schemas.run import RunMetricsAnswer
from ..store import Run
from ..use_cases.claim import LABEL as CLAIM_LABEL
from ..use_cases.comparison import compare_study
from ..use_cases.dataset import is_repeatable
from ..use_cases.service import Service
from ..use_cases.statistic import diagnosis_of
from .figure_data import called, condition_of

STUDIES, RUNS = 20, 50
MOST_DIAGNOSES = 4
"""Points of a sweep whose diagnosis a study's page spells out."""


def index(service: Service, *, status: str, condition: str, after: str | None) -> dict[str, Any]:
    """The newest studies, and a page of runs."""
    filtered = bool(status or condition or after)
    page = service.store.runs.page(
        status=status or None,  # type: ignore[arg-type]  # the route has checked it
        condition=condition or None,
        after=after,
        limit=RUNS,
    )
    studies = [] if filtered else list(service.store.studies.page(limit=STUDIES).items)
    live = any(run.status not in ENDED for run in page.items) or any(study.status == "running" for study in studies)
    return {
        "studies": studies,
        "runs": [_row(run) for run in page.items],
        "next": page.next,
        "status": status,
        "condition": condition,
        "filtered": filtered,
        "live": live,
    }


def run(service: Service, run_id: str) -> dict[str, Any]:
    """One run with its diagnosis, stored or so far."""
    found = service.store.runs.get(run_id)
    diagnosis, provisional, missing = _diagnosis(service, found)
    repeatable = is_repeatable(service.store, found)
    return {
        "run": found,
        "title": called(found),
        "recording": None if found.origin == "service" else service.store.recordings.get(run_id),
        "prescription": service.store.prescriptions.of_run(run_id),
        "check": service.store.checks.of_run(run_id),
        "ended": found.ended,
        "figures_ready": found.step > 0,
        "diagnosis": diagnosis,
        "provisional": provisional,
        "missing": missing,
        "early": found.outcome is None,
        "metrics": [(name, value, _help(name)) for name, value in _metrics(found)],
        "transitions": service.store.runs.transitions(run_id),
        "repeatable": repeatable,
        "trial": _trial(found, diagnosis) if diagnosis is not None and repeatable else None,
    }


def _metrics(run: Run) -> Iterable[tuple[str, Any]]:
    """The metrics of a run that its page shows, by name."""
    return () if run.metrics is None else RunMetricsAnswer.model_validate(run.metrics)


def _help(metric: str) -> str:
    return METRICS[metric].help if metric in METRICS else _OTHER_METRICS.get(metric, "")


_OTHER_METRICS = {
    "train_seconds": "Seconds of training, those of recording left out",
    "recording_seconds": "Seconds that recording took",
    "saved_share": "Share of the steps that were saved by stopping at a finding",
}


def _diagnosis(service: Service, found: Run) -> tuple[Mapping[str, Any] | None, bool, str | None]:
    try:
        diagnosis, provisional = diagnosis_of(service, found)
    except InsufficientData as why:
        return None, False, str(why)
    return diagnosis, provisional, None


def _trial(found: Run, diagnosis: Mapping[str, Any]) -> dict[str, Any] | None:
    """A study that tries every suggested remedy side by side, ready to be posted."""
    arms: list[dict[str, Any]] = []
    for finding in diagnosis["findings"]:
        for remedy in finding["suggested_remedies"]:
            if remedy not in [arm["remedies"][0] for arm in arms]:
                arms.append({"name": _arm_name(remedy, [arm["name"] for arm in arms]), "remedies": [dict(remedy)]})
    if not arms or found.origin != "service":
        return None
    return {
        "name": f"remedies for {called(found)}"[:100],
        "experiment": found.resolved_experiment,
        "arms": arms,
        "seeds": [0, 1, 2],
    }


def _arm_name(remedy: Mapping[str, Any], taken: list[str]) -> str:
    name = str(remedy["kind"])
    number = 2
    while name in taken:
        name = f"{remedy['kind']} {number}"
        number += 1
    return name


def study(service: Service, study_id: str, *, metric: str) -> dict[str, Any]:
    """One study with its comparison, as far as its runs have ended."""
    found = service.store.studies.get(study_id)
    runs = service.store.runs.of_study(study_id)
    return {
        "study": found,
        "title": found.name or found.id,
        "claim": CLAIMS.get(found.labels.get(CLAIM_LABEL, "")),
        "ended": found.status != "running",
        "comparison": compare_study(service, study_id, metric=metric),
        "runs": [_row(run) for run in runs],
        "figures_ready": any(run.step > 0 for run in runs),
        "has_map": 1 <= len(found.sweep) <= 2,
        "map_ready": any(run.status == "succeeded" for run in runs),
        "metric": metric,
        "most_diagnoses": MOST_DIAGNOSES,
    }


def _row(run: Run) -> dict[str, Any]:
    return {
        "run": run,
        "called": called(run),
        "condition": condition_of(run),
    }
