"""The alerts about changes of stored things, in words."""

from datetime import datetime

from ..diagnosis import Diagnosis
from ..regression import Report
from .records.webhook import Alert


def of_check(check_id: str, *, baseline: str, schedule: str | None, report: Report) -> Alert:
    """A check fails where the last one did not, or passes again."""
    passes = report.verdict == "pass"
    return Alert(
        kind="check.recovered" if passes else "check.failed",
        text=f"The check against the baseline {baseline!r} {'passes again' if passes else 'failed'}. {report.summary}",
        path=f"/checks/{check_id}",
        facts={"check_id": check_id, "baseline": baseline, "schedule": schedule, "verdict": report.verdict},
    )


def of_schedule(name: str, *, due_at: datetime, problem: str | None) -> Alert:
    """A schedule starts no check where the last time it did, or starts one again."""
    at = f"{due_at:%Y-%m-%d %H:%M} UTC"
    missed = f"started no check at {at}: {problem}."
    return Alert(
        kind="schedule.recovered" if problem is None else "schedule.missed",
        text=f"The schedule {name!r} {missed if problem is not None else f'started its check again at {at}.'}",
        path="/checks",
        facts={"schedule": name, "due_at": due_at.isoformat(), "problem": problem},
    )


def of_recording(run_id: str, *, name: str | None, diagnosis: Diagnosis) -> Alert | None:
    """A recorded run has findings that hurt learning; None if it has none, or is more likely healthy."""
    leading, harmful = diagnosis.findings[0], [finding for finding in diagnosis.findings if finding.harm]
    if not harmful or leading.condition == "healthy":
        return None
    others = len(harmful) - 1
    more = f" (and {others} more)" if others else ""
    return Alert(
        kind="recording.sick",
        text=f"The recorded run {name or run_id} did not learn as it should. {leading.summary}{more}",
        path=f"/runs/{run_id}",
        facts={
            "run_id": run_id,
            "name": name,
            "conditions": [finding.condition for finding in harmful],
            "severity": leading.severity,
            "first_step": leading.first_step,
        },
    )
