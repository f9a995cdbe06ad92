"""Schedules start checks at the due times of a cron expression, once per due time even with several reconcilers."""

from datetime import datetime

from pydantic import ValidationError

from ..kernel.errors import Conflict, GradclinicError, InvalidRequest, ServiceUnavailable
from ..regression import CheckSpec, ScheduleSpec
from ..regression.cron import check_line, last_due, next_due
from ..store import Due, NewSchedule, Schedule
from .check import examine, submit_due
from .request_id import request_id
from .service import Service


def create_schedule(service: Service, spec: ScheduleSpec) -> Schedule:
    """Store a schedule; its check must be valid now."""
    check_line(spec.cron, spec.zone)
    try:
        examine(service, spec.check)
    except InvalidRequest as error:
        raise error.under("/check") from None
    return service.store.schedules.create(
        NewSchedule(
            name=spec.name,
            cron=spec.cron,
            zone=spec.zone,
            baseline=spec.check.baseline,
            asks=spec.check.to_json(),
            request_id=request_id(),
        )
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
        service.store.schedules.skip(due, problem="the previous check had not ended")
        return 0
    try:
        check = submit_due(service, check_of(schedule), due)
    except (ServiceUnavailable, Conflict):
        raise  # the next round tries again
    except (GradclinicError, ValidationError) as error:
        known = isinstance(error, GradclinicError)
        service.store.schedules.skip(due, problem=str(error) if known else "this version does not support this check")
        return 0
    return 0 if check is None else check.progress.runs


def check_of(schedule: Schedule) -> CheckSpec:
    """The check that a schedule starts; without a name, it gets the name of the schedule."""
    check = CheckSpec.model_validate(schedule.asks)
    return check if check.name is not None else check.model_copy(update={"name": schedule.name})


def due_next(schedule: Schedule, *, now: datetime) -> datetime | None:
    """The next due time; None while the schedule is paused."""
    return None if schedule.paused else next_due(schedule.cron, schedule.zone, now=now)
