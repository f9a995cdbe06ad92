"""Schedules: cron lines that start checks; fired by reconcilers, once for each due time however many of them run."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from pydantic import ValidationError

from ..experiments.experiment import Experiment
from ..kernel.errors import Conflict, GradclinicError, InvalidRequest, ServiceUnavailable
from ..regression import Margins
from ..regression.cron import check_line, last_due, next_due
from ..store import Due, NewSchedule, Schedule
from .check import CheckPlan, examine, remedies_from, submit_due
from .request_id import request_id
from .service import Service


def create_schedule(
    service: Service, *, name: str, cron: str, zone: str, plan: CheckPlan, asks: Mapping[str, Any]
) -> Schedule:
    """Store a schedule whose check could be made now; `asks` is the check's body, which `plan` came from."""
    check_line(cron, zone)
    try:
        examine(service, plan)
    except InvalidRequest as error:
        raise error.under("/check") from None
    return service.store.schedules.create(
        NewSchedule(name=name, cron=cron, zone=zone, baseline=plan.baseline, asks=dict(asks), request_id=request_id())
    )


def fire(service: Service, schedule: Schedule, *, since: datetime, now: datetime) -> int:
    """Start the check of the last due time since then, if there is one; the number of runs that it queued.

    Times that were missed before it are not made up for. Where no check can be made, or the one before has not ended,
    that is written down with the reason, and not tried again: checks that take longer than the schedule do not pile up.
    """
    at = last_due(schedule.cron, schedule.zone, since=since, now=now)
    if at is None:
        return 0
    due = Due(schedule.name, at)
    if any(check.status == "running" for check in service.store.checks.page(schedule=schedule.name, limit=1).items):
        service.store.schedules.skip(due, problem="the check before it had not ended")
        return 0
    try:
        check = submit_due(service, plan_of(schedule), due)
    except (ServiceUnavailable, Conflict):
        raise  # the next round tries again
    except (GradclinicError, ValidationError) as error:
        known = isinstance(error, GradclinicError)
        service.store.schedules.skip(due, problem=str(error) if known else "this version knows no such check")
        return 0
    return 0 if check is None else check.progress.runs


def plan_of(schedule: Schedule) -> CheckPlan:
    """The check that a schedule starts."""
    asks = schedule.asks
    experiment, remedies, margins = asks.get("experiment"), asks.get("remedies"), asks.get("margins")
    return CheckPlan(
        baseline=schedule.baseline,
        experiment=None if experiment is None else Experiment.model_validate(experiment),
        remedies=None if remedies is None else remedies_from(remedies),
        seeds=asks.get("seeds"),
        margins=None if margins is None else Margins.model_validate(margins).named(),
        name=asks.get("name") or schedule.name,
        labels=asks.get("labels") or {},
    )


def due_next(schedule: Schedule, *, now: datetime) -> datetime | None:
    """When it is due next; None while it is paused."""
    return None if schedule.paused else next_due(schedule.cron, schedule.zone, now=now)
