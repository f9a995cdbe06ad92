"""Log runs and studies to MLflow.

from gradclinic.client.integrations.mlflow import log_run, log_study

log_run(clinic.get_run("run_..."))  # to the active run of MLflow, or to a new one
log_study(clinic.get_study("study_..."))  # its runs below it
"""

from contextlib import nullcontext
from time import time
from typing import TYPE_CHECKING

from .. import Run, Study
from ..extras import extra
from .logged import PREFIX, Logged, logged, logged_study, title_of

if TYPE_CHECKING:
    from mlflow.entities import Metric

BATCH = 1000
"""Largest number of metrics that MLflow takes at once."""


def log_run(run: Run, *, max_points: int = 1000) -> str:
    """Log a run to the active run of MLflow, or to a new one with its name; returns the id of the run of MLflow.

    Tags `gradclinic.*` have the verdict; metrics `gradclinic/*` have the final metrics and, by step, the curves with at
    most `max_points` points; artifacts in `gradclinic/` have the profile, the diagnosis and the report. Waits until the
    run has ended. Needs the extra `mlflow`.
    """
    mlflow = extra("mlflow", name="mlflow")
    found = logged(run, max_points=max_points)
    active = mlflow.active_run()
    with nullcontext(active) if active else mlflow.start_run(run_name=found.name) as target:
        mlflow.set_tags({f"{PREFIX}.{name}": value for name, value in found.verdict.items()})
        metrics = _metrics(found)
        client = mlflow.MlflowClient()
        for start in range(0, len(metrics), BATCH):
            client.log_batch(target.info.run_id, metrics=metrics[start : start + BATCH])
        mlflow.log_text(found.words, f"{PREFIX}/diagnosis.txt")
        mlflow.log_dict(dict(found.diagnosis), f"{PREFIX}/diagnosis.json")
        mlflow.log_dict(dict(found.profile), f"{PREFIX}/profile.json")
        mlflow.log_text(run.report(), f"{PREFIX}/report.html")
        return str(target.info.run_id)


def log_study(study: Study, *, runs: bool = True, max_points: int = 1000) -> str:
    """Log a study to the active run of MLflow, or to a new one with its name; returns the id of the run of MLflow.

    Tags `gradclinic.*` have the best arm with its verdict; artifacts in `gradclinic/` have the table of arms, the
    comparison and the report. Each run of the study becomes a run below it, with the tags `gradclinic.arm` and
    `gradclinic.seed`, and what `log_run` logs; not with `runs=False`. Waits until all have ended. Needs the extra
    `mlflow`.
    """
    mlflow = extra("mlflow", name="mlflow")
    found = logged_study(study)
    active = mlflow.active_run()
    with nullcontext(active) if active else mlflow.start_run(run_name=found.name) as target:
        mlflow.set_tags({f"{PREFIX}.{name}": value for name, value in found.verdict.items()})
        mlflow.log_text(found.words, f"{PREFIX}/comparison.txt")
        mlflow.log_dict(dict(found.comparison), f"{PREFIX}/comparison.json")
        mlflow.log_text(found.arms_csv(), f"{PREFIX}/arms.csv")
        mlflow.log_text(study.report(), f"{PREFIX}/report.html")
        for run in study.runs() if runs else ():
            with mlflow.start_run(run_name=title_of(run), nested=True):
                mlflow.set_tags({f"{PREFIX}.arm": run.answer.arm, f"{PREFIX}.seed": str(run.answer.seed)})
                log_run(run, max_points=max_points)
        return str(target.info.run_id)


def _metrics(found: Logged) -> "list[Metric]":
    metric, now = extra("mlflow.entities", name="mlflow").Metric, int(1000 * time())
    final = [metric(f"{PREFIX}/{name}", float(value), now, 0) for name, value in found.metrics.items()]
    return final + [
        metric(f"{PREFIX}/curve/{curve.statistic}", value, now, step)
        for curve in found.curves
        for step, value in zip(curve.steps, curve.values, strict=True)
    ]
