"""`/livez` and `/readyz`: for whoever operates the service."""

from fastapi import APIRouter, Response

from ..kernel.errors import ServiceUnavailable
from ..schemas.health import HealthAnswer, ReadyAnswer
from .http.dependencies import TheService

router = APIRouter(tags=["operation"])


@router.get("/livez", summary="Does this process live?")
async def get_liveness() -> HealthAnswer:
    """Always ok: the process answers, even while every thread waits for a database that does not."""
    return HealthAnswer(status="ok")


@router.get(
    "/readyz",
    summary="Can this service accept work?",
    responses={503: {"description": "A part cannot be reached.", "model": ReadyAnswer}},
)
def get_readiness(service: TheService, response: Response) -> ReadyAnswer:
    """Ready while the database answers with this version's schema or a newer one: what is accepted is stored there.

    A queue that cannot be reached delays work and loses none, so it is reported, and does not make the service unready.
    """
    database, queue = "ok", "ok"
    workers = 0
    try:
        database = "ok" if service.store.is_current() else "outdated"
        if database == "ok":
            workers = len(service.store.reconciliation.workers(seen_within_s=service.settings.lease_ttl_s))
    except ServiceUnavailable:
        database = "unavailable"
    try:
        service.queue.ping()
    except ServiceUnavailable:
        queue = "unavailable"
    ready = database == "ok"
    if not ready:
        response.status_code = 503
        response.headers["Retry-After"] = "5"
    return ReadyAnswer(
        status="ok" if ready else "unavailable",
        database=database,
        queue=queue,
        workers=workers,
    )
