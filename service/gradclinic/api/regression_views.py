"""From baselines, checks and schedules of the store to what the API answers."""

from datetime import datetime
from typing import Any

from .. import schemas as a
from ..store import Baseline, Check, Firing, Pin, Run, Schedule
from ..use_cases.schedule import due_next
from .views import study_progress


def baseline_answer(baseline: Baseline) -> a.BaselineAnswer:
    """A baseline with its history."""
    at = f"/v1/baselines/{baseline.name}"
    return a.BaselineAnswer(
        name=baseline.name,
        pin=pin_answer(baseline.pin),
        experiment=dict(baseline.pin.experiment),
        remedies=[dict(remedy) for remedy in baseline.pin.remedies],
        history=[pin_answer(pin) for pin in baseline.history],
        created_at=baseline.created_at,
        urls=a.BaselineUrls(
            self=at, checks=f"/v1/checks?baseline={baseline.name}", page=f"/checks?baseline={baseline.name}"
        ),
    )


def pin_answer(pin: Pin) -> a.PinAnswer:
    """What a name points at."""
    return a.PinAnswer(
        study_id=pin.study_id,
        check_id=pin.check_id,
        arm=pin.arm,
        run_ids=list(pin.run_ids),
        seeds=list(pin.seeds),
        pinned_at=pin.pinned_at,
    )


def check_summary(check: Check) -> a.CheckSummary:
    """A check without the evidence."""
    return a.CheckSummary(**_check_fields(check))


def check_answer(check: Check, *, pin: Pin, runs: list[Run]) -> a.CheckAnswer:
    """A check with what it found."""
    report = check.report or {}
    return a.CheckAnswer(
        **_check_fields(check),
        pin_run_ids=list(pin.run_ids),
        run_ids=[run.id for run in runs],
        compared_seeds=list(report.get("seeds", ())),
        seeds_needed=report.get("seeds_needed"),
        false_fails_at_most=report.get("false_fails_at_most"),
        method=report.get("method"),
        lost=list(report.get("lost", ())),
        metrics=[a.MetricCheckAnswer(**each) for each in report.get("metrics", ())],
        conditions=[a.ConditionCheckAnswer(**each) for each in report.get("conditions", ())],
    )


def _check_fields(check: Check) -> dict[str, Any]:
    at = f"/v1/checks/{check.id}"
    return {
        "id": check.id,
        "name": check.name,
        "labels": dict(check.labels),
        "baseline": check.baseline,
        "schedule": check.schedule,
        "status": check.status,
        "verdict": check.verdict,
        "summary": (check.report or {}).get("summary"),
        "experiment": dict(check.experiment),
        "remedies": [dict(remedy) for remedy in check.remedies],
        "seeds": list(check.seeds),
        "margins": dict(check.margins),
        "progress": study_progress(check.progress),
        "created_at": check.created_at,
        "ended_at": check.ended_at,
        "urls": a.CheckUrls(
            self=at,
            runs=f"/v1/runs?label=check:{check.id}",
            baseline=f"/v1/baselines/{check.baseline}",
            cancel=f"{at}/cancel",
            page=f"/checks/{check.id}",
        ),
    }


def schedule_answer(schedule: Schedule, *, now: datetime) -> a.ScheduleAnswer:
    """A schedule with its last due times and its next."""
    at = f"/v1/schedules/{schedule.name}"
    return a.ScheduleAnswer(
        name=schedule.name,
        cron=schedule.cron,
        zone=schedule.zone,
        check=dict(schedule.asks),
        paused=schedule.paused,
        next_due_at=due_next(schedule, now=now),
        last=[_firing(each) for each in schedule.firings],
        created_at=schedule.created_at,
        urls=a.ScheduleUrls(
            self=at, checks=f"/v1/checks?schedule={schedule.name}", pause=f"{at}/pause", resume=f"{at}/resume"
        ),
    )


def _firing(firing: Firing) -> a.FiringAnswer:
    return a.FiringAnswer(
        due_at=firing.due_at,
        fired_at=firing.fired_at,
        check_id=firing.check_id,
        status=firing.status,
        verdict=firing.verdict,
        problem=firing.problem,
    )
