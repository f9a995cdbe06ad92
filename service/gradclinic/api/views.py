"""From records of the store to what the API answers."""

from typing import Any

from .. import schemas as a
from ..store import Prescription, Progress, Run, Transition
from ..use_cases.prescription import why


def run_answer(run: Run) -> a.RunAnswer:
    """A run without its history."""
    return a.RunAnswer(**_run_fields(run))


def run_detail(run: Run, transitions: list[Transition], *, repeatable: bool) -> a.RunDetailAnswer:
    """A run with its history and environment."""
    return a.RunDetailAnswer(
        **_run_fields(run),
        transitions=[transition_answer(transition) for transition in transitions],
        environment=None if run.environment is None else dict(run.environment),
        repeatable=repeatable,
    )


def transition_answer(transition: Transition) -> a.TransitionAnswer:
    """One change of a run's state."""
    return a.TransitionAnswer(
        number=transition.number,
        status_before=transition.status_before,
        status=transition.status,
        attempt=transition.attempt,
        step=transition.step,
        reason=a.ReasonAnswer(code=transition.reason.code, text=transition.reason.text),
        at=transition.at,
    )


def prescription_summary(prescription: Prescription) -> a.PrescriptionSummary:
    """A prescription without what it found."""
    return a.PrescriptionSummary(**_prescription_fields(prescription))


def prescription_answer(prescription: Prescription) -> a.PrescriptionAnswer:
    """A prescription with what it found so far."""
    report = prescription.report or {}
    found = ("round", "ending", "diagnosis", "control", "cure", "comparison", "spent")
    return a.PrescriptionAnswer(
        **_prescription_fields(prescription),
        **{name: report.get(name) for name in found},
        why=why(prescription),
        tried=list(report.get("tried", ())),
    )


def _prescription_fields(prescription: Prescription) -> dict[str, Any]:
    at = f"/v1/prescriptions/{prescription.id}"
    return {
        "id": prescription.id,
        "name": prescription.name,
        "labels": dict(prescription.labels),
        "status": prescription.status,
        "experiment": dict(prescription.experiment),
        "budget": dict(prescription.budget),
        "progress": study_progress(prescription.progress),
        "created_at": prescription.created_at,
        "ended_at": prescription.ended_at,
        "urls": a.PrescriptionUrls(
            self=at,
            runs=f"/v1/runs?label=prescription:{prescription.id}",
            cancel=f"{at}/cancel",
            page=f"/prescriptions/{prescription.id}",
            report=f"{at}/report",
        ),
    }


def study_progress(progress: Progress) -> a.StudyProgressAnswer:
    """How far a study is."""
    return a.StudyProgressAnswer(
        runs=progress.runs,
        by_status={str(status): count for status, count in progress.by_status.items()},
        steps_done=progress.steps_done,
        steps=progress.steps,
    )


def _run_fields(run: Run) -> dict[str, Any]:
    at = f"/v1/runs/{run.id}"
    return {
        "id": run.id,
        "name": run.name,
        "labels": dict(run.labels),
        "status": run.status,
        "reason": a.ReasonAnswer(code=run.reason.code, text=run.reason.text),
        "origin": run.origin,
        "study_id": run.study_id,
        "arm": run.arm,
        "sweep_point": None if run.point is None else dict(run.point),
        "seed": run.seed,
        "progress": a.ProgressAnswer(step=run.step, steps=run.steps or None),
        "experiment": dict(run.experiment),
        "remedies": [dict(remedy) for remedy in run.remedies],
        "resolved_experiment": dict(run.resolved_experiment),
        "metrics": None if run.metrics is None else a.RunMetricsAnswer.model_validate(run.metrics),
        "diagnosis": None if run.diagnosis is None else a.DiagnosisAnswer.model_validate(run.diagnosis),
        "created_at": run.created_at,
        "started_at": run.started_at,
        "ended_at": run.ended_at,
        "urls": a.RunUrls(
            self=at,
            statistics=f"{at}/statistics",
            profile=f"{at}/profile",
            curves=f"{at}/curves",
            diagnosis=f"{at}/diagnosis",
            events=f"{at}/events",
            cancel=f"{at}/cancel",
            page=f"/runs/{run.id}",
            report=f"{at}/report",
        ),
    }
