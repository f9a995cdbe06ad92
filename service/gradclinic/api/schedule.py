"""`/v1/schedules`: cron lines that start checks."""

from datetime import UTC, datetime

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
    """Start a check whenever a cron line is due, once each time; after a time away, the last one missed is made up for.

    The check is examined now as it will be each time, and refused where it could not be made.
    """
    answer = _answer(schedules.create_schedule(service, body))
    response.headers["Location"] = answer.urls.self
    return answer


@router.get("", summary="List schedules", responses=problems(422))
def list_schedules(
    *, service: TheService, request: Request, response: Response, after: AfterName = None, limit: Limit = 50
) -> SchedulePage:
    """Schedules by name, with the verdicts of their last checks."""
    page = service.store.schedules.page(after=after, limit=limit)
    return SchedulePage(items=[_answer(each) for each in page.items], next=link_next(request, response, page.next))


@router.get("/{name}", summary="Look at a schedule", responses=problems(404, 422))
def get_schedule(name: ScheduleName, service: TheService) -> ScheduleAnswer:
    """When it is due next, and what came of its last due times."""
    return _answer(service.store.schedules.get(name))


@router.post("/{name}/pause", summary="Pause a schedule", responses=problems(404, 422))
def pause_schedule(name: ScheduleName, service: TheService) -> ScheduleAnswer:
    """Nothing is started until it is resumed."""
    return _answer(service.store.schedules.set_paused(name, paused=True))


@router.post("/{name}/resume", summary="Resume a schedule", responses=problems(404, 422))
def resume_schedule(name: ScheduleName, service: TheService) -> ScheduleAnswer:
    """Go on from now; what was due while it was paused is not made up for."""
    return _answer(service.store.schedules.set_paused(name, paused=False))


@router.delete(
    "/{name}",
    status_code=204,
    summary="Delete a schedule",
    responses=problems(404, 422),
    response_class=Response,
)
def delete_schedule(name: ScheduleName, service: TheService) -> None:
    """Remove it; the checks that it started stay."""
    service.store.schedules.delete(name)


def _answer(schedule: Schedule) -> ScheduleAnswer:
    return ScheduleAnswer(
        name=schedule.name,
        cron=schedule.cron,
        zone=schedule.zone,
        check=dict(schedule.asks),
        paused=schedule.paused,
        next_due_at=schedules.due_next(schedule, now=datetime.now(UTC)),
        last=[FiringAnswer.model_validate(each) for each in schedule.firings],
        created_at=schedule.created_at,
    )
