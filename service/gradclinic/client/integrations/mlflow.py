"""Log runs to MLflow.

from gradclinic.client.integrations.mlflow import log_run

log_run(clinic.get_run("run_..."))  # to the active run of MLflow, or to a new one
"""

from contextlib import nullcontext
from time import time
from typing import TYPE_CHECKING

from .. import Run
from ..extras import extra
from .logged import PREFIX, Logged, logged

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


def _metrics(found: Logged) -> "list[Metric]":
    metric, now = extra("mlflow.entities", name="mlflow").Metric, int(1000 * time())
    final = [metric(f"{PREFIX}/{name}", float(value), now, 0) for name, value in found.metrics.items()]
    return final + [
        metric(f"{PREFIX}/curve/{curve.statistic}", value, now, step)
        for curve in found.curves
        for step, value in zip(curve.steps, curve.values, strict=True)
    ]
