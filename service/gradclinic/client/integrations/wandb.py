"""Log runs and studies to Weights & Biases.

from gradclinic.client.integrations.wandb import log_run, log_study

log_run(clinic.get_run("run_..."))  # to the active run of W&B, or to a new one
log_study(clinic.get_study("study_..."))  # its runs beside it, as a group
"""

from typing import Any

from .. import Run, Study
from ..extras import extra
from .logged import PREFIX, Logged, logged, logged_study, title_of


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


def log_study(study: Study, *, project: str | None = None, runs: bool = True, max_points: int = 1000) -> str:
    """Log a study to the active run of W&B, or to a new one with its name in `project`; returns the id of W&B's run.

    The summary `gradclinic/*` has the best arm with its verdict, `gradclinic/arms` the table of arms, and
    `gradclinic/report` the page. Each run of the study becomes a run of the group that is named by the study's id, with
    its arm as the type and what `log_run` logs; not with `runs=False`. Waits until all have ended. Needs the extra
    `wandb`.
    """
    wandb = extra("wandb", name="wandb")
    found = logged_study(study)
    active = wandb.run
    target = active or wandb.init(project=project, name=found.name, group=study.id, job_type="study")
    try:
        table = wandb.Table(columns=list(found.arms), data=list(zip(*found.arms.values(), strict=True)))
        report = wandb.Html(study.report(), inject=False)
        target.log({f"{PREFIX}/arms": table, f"{PREFIX}/report": report})
        target.summary.update({f"{PREFIX}/{name}": value for name, value in found.verdict.items()})
        for run in study.runs() if runs else ():
            _log_member(wandb, run, study, project=target.project, max_points=max_points)
        return str(target.id)
    finally:
        if active is None:
            target.finish()


def _log_member(wandb: Any, run: Run, study: Study, *, project: str, max_points: int) -> None:
    """Log a run of a study as a run of its own, beside the active one."""
    member = wandb.init(
        project=project, name=title_of(run), group=study.id, job_type=run.answer.arm, reinit="create_new"
    )
    try:
        _log(wandb, member, logged(run, max_points=max_points), report=run.report())
    finally:
        member.finish()


def _log(wandb: Any, target: Any, found: Logged, *, report: str) -> None:
    target.define_metric(f"{PREFIX}/curve/*", step_metric=f"{PREFIX}/step")
    for step, values in found.rows().items():
        curves = {f"{PREFIX}/curve/{name}": value for name, value in values.items()}
        target.log({f"{PREFIX}/step": step, **curves})
    points = [(point["layer"], point["depth"], point["value"]) for point in found.profile["points"]]
    table = wandb.Table(columns=["layer", "depth", "value"], data=points)
    target.log({f"{PREFIX}/profile": table, f"{PREFIX}/report": wandb.Html(report, inject=False)})
    target.summary.update({f"{PREFIX}/{name}": value for name, value in {**found.verdict, **found.metrics}.items()})
