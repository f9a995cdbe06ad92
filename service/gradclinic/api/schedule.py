"""`/v1/schedules`: checks on a cron schedule."""

from datetime import datetime, timezone

from fastapi import APIRouter, Request, Response

from ..schemas.requests.schedule import ScheduleRequest
from ..schemas.schedule import FiringAnswer, ScheduleAnswer, SchedulePage
from ..store import Schedule
from ..use_cases import schedule as schedules
from .http.body import StrictJSONRoute
from .http.dependencies import BODY_PROBLEMS, AfterName, Limit, ScheduleName, TheService, problems
from .http.paging import link_next

router = APIRouter(prefix="/v1/schedules", tags=["regression"], route_class=StrictJSONRoute)


@router.post("", status_code=201, summary="Schedule a check", responses=problems(404, 409, *BODY_PROBLEMS))
def create_schedule(body: ScheduleRequest, service: TheService, response: Response) -> ScheduleAnswer:
    """Start one check at each due time of a cron expression. After downtime, only the last due time is made up for.

    The check is validated now, and the request is refused if it could not be created.
    """
    answer = _answer(schedules.create_schedule(service, body))
    response.headers["Location"] = answer.urls.self
    return answer


@router.get("", summary="List schedules", responses=problems(422))
def list_schedules(
    *, service: TheService, request: Request, response: Response, after: AfterName = None, limit: Limit = 50
) -> SchedulePage:
    """Schedules, ordered by name, with the verdicts of their last checks."""
    page = service.store.schedules.page(after=after, limit=limit)
    return SchedulePage(items=[_answer(each) for each in page.items], next=link_next(request, response, page.next))


@router.get("/{name}", summary="Get a schedule", responses=problems(404, 422))
def get_schedule(name: ScheduleName, service: TheService) -> ScheduleAnswer:
    """The next due time, and the results of the last ones."""
    return _answer(service.store.schedules.get(name))


@router.post("/{name}/pause", summary="Pause a schedule", responses=problems(404, 422))
def pause_schedule(name: ScheduleName, service: TheService) -> ScheduleAnswer:
    """No checks are started until it is resumed."""
    return _answer(service.store.schedules.set_paused(name, paused=True))


@router.post("/{name}/resume", summary="Resume a schedule", responses=problems(404, 422))
def resume_schedule(name: ScheduleName, service: TheService) -> ScheduleAnswer:
    """Continue from now; due times during the pause are not made up for."""
    return _answer(service.store.schedules.set_paused(name, paused=False))


@router.delete(
    "/{name}",
    status_code=204,
    summary="Delete a schedule",
    responses=problems(404, 422),
    response_class=Response,
)
def delete_schedule(name: ScheduleName, service: TheService) -> None:
    """Delete the schedule; its checks stay."""
    service.store.schedules.delete(name)


def _answer(schedule: Schedule) -> ScheduleAnswer:
    return ScheduleAnswer(
        name=schedule.name,
        cron=schedule.cron,
        zone=schedule.zone,
        check=dict(schedule.asks),
        paused=schedule.paused,
        next_due_at=schedules.due_next(schedule, now=datetime.now(timezone.utc)),
        last=[FiringAnswer.model_validate(each) for each in schedule.firings],
        created_at=schedule.created_at,
    )
