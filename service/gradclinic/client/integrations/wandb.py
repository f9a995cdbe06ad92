"""Log runs to Weights & Biases.

from gradclinic.client.integrations.wandb import log_run

log_run(clinic.get_run("run_..."))  # to the active run of W&B, or to a new one
"""

from typing import Any

from .. import Run
from ..extras import extra
from .logged import PREFIX, Logged, logged


def log_run(run: Run, *, project: str | None = None, max_points: int = 1000) -> str:
    """Log a run to the active run of W&B, or to a new one with its name in `project`; returns the id of W&B's run.

    The summary `gradclinic/*` has the verdict and the final metrics; `gradclinic/curve/*` has the curves by
    `gradclinic/step`, with at most `max_points` points; `gradclinic/profile` is the profile as a table, and
    `gradclinic/report` the page. Waits until the run has ended. Needs the extra `wandb`.
    """
    wandb = extra("wandb", name="wandb")
    found = logged(run, max_points=max_points)
    active = wandb.run
    target = active or wandb.init(project=project, name=found.name)
    try:
        _log(wandb, target, found, report=run.report())
        return str(target.id)
    finally:
        if active is None:
            target.finish()


def _log(wandb: Any, target: Any, found: Logged, *, report: str) -> None:
    target.define_metric(f"{PREFIX}/curve/*", step_metric=f"{PREFIX}/step")
    for step, values in found.rows().items():
        curves = {f"{PREFIX}/curve/{name}": value for name, value in values.items()}
        target.log({f"{PREFIX}/step": step, **curves})
    points = [(point["layer"], point["depth"], point["value"]) for point in found.profile["points"]]
    table = wandb.Table(columns=["layer", "depth", "value"], data=points)
    target.log({f"{PREFIX}/profile": table, f"{PREFIX}/report": wandb.Html(report, inject=False)})
    target.summary.update({f"{PREFIX}/{name}": value for name, value in {**found.verdict, **found.metrics}.items()})
