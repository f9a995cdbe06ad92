"""From records of the store to what the API answers."""

from typing import Any

from .. import schemas as a
from ..store import Prescription, Progress
from ..use_cases.prescription import why


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
