"""`/livez` and `/readyz`: health checks for operators."""

from fastapi import APIRouter, Response

from ..kernel.errors import ServiceUnavailable
from ..schemas.health import HealthAnswer, ReadyAnswer
from .http.dependencies import TheService

router = APIRouter(tags=["operation"])


@router.get("/livez", summary="Check liveness")
async def get_liveness() -> HealthAnswer:
    """Always ok while the process responds, even if all threads wait for an unavailable database."""
    return HealthAnswer(status="ok")


@router.get(
    "/readyz",
    summary="Check readiness",
    responses={
        503: {
            "description": "The database is unavailable or full, or has an older schema.",
            "model": ReadyAnswer,
        }
    },
)
def get_readiness(service: TheService, response: Response) -> ReadyAnswer:
    """Ready while the database is available, has room, and has this version's schema or a newer one.

    The state of the queue is reported, but does not affect readiness: without the queue, work is delayed but not lost.
    """
    database, queue = "ok", "ok"
    workers = 0
    try:
        database = "full" if service.store.is_full() else "ok" if service.store.is_current() else "outdated"
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
