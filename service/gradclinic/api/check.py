"""`/v1/checks`: regression checks against a baseline."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request, Response

from ..kernel.errors import InsufficientData
from ..kernel.names import NAME_PATTERN
from ..kernel.vocabulary import CheckVerdict
from ..regression import junit_xml
from ..schemas.check import CheckAnswer, CheckPage, CheckSummary
from ..schemas.requests.check import CheckRequest
from ..store import Check
from ..use_cases.check import submit_check
from ..use_cases.idempotency import idempotency_of
from ..use_cases.service import Service
from .http.accept import choose
from .http.body import StrictJSONRoute
from .http.dependencies import BODY_PROBLEMS, CheckId, IdempotencyKey, TheService, problems
from .http.paging import PageOfChecks
from .http.submitted import RETRY_AFTER_S, cancel, headers_of, point_to

router = APIRouter(prefix="/v1/checks", tags=["regression"], route_class=StrictJSONRoute)

JSON, JUNIT = "application/json", "application/junit+xml"
_BY_NAME = {"json": JSON, "junit": JUNIT}

Form = Annotated[
    Literal["json", "junit"] | None,
    Query(alias="format", description="Response format; overrides the header `Accept`."),
]
Named = Annotated[
    str | None,
    Query(min_length=1, max_length=100, pattern=NAME_PATTERN, description="Only checks of the one with this name."),
]


@router.post(
    "",
    status_code=202,
    summary="Check for a regression",
    responses={
        202: {"description": "Stored and queued.", "headers": headers_of("check")},
        **problems(404, 409, *BODY_PROBLEMS),
    },
)
def create_check(
    body: CheckRequest, service: TheService, response: Response, idempotency_key: IdempotencyKey = None
) -> CheckAnswer:
    """Train the experiment on the baseline's seeds, and test whether it is worse than the margins allow."""
    submitted = submit_check(
        service, body, idempotency=idempotency_of(idempotency_key, kind="check", body=body.to_json())
    )
    answer = _answer(service, submitted)
    point_to(response, answer.urls.self)
    return answer


@router.get("", summary="List checks", responses=problems(422))
def list_checks(
    *,
    service: TheService,
    paging: PageOfChecks,
    baseline: Named = None,
    schedule: Named = None,
    verdict: Annotated[CheckVerdict | None, Query(description="Only checks with this verdict.")] = None,
) -> CheckPage:
    """Checks that match all filters, newest first."""
    page = service.store.checks.page(
        baseline=baseline, schedule=schedule, verdict=verdict, after=paging.after, limit=paging.limit
    )
    return paging.answer(CheckPage, page, item=CheckSummary.model_validate)


_FORMS: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The check; as JUnit XML once it has ended, with a test case for each metric and condition.",
        "content": {JSON: {}, JUNIT: {"schema": {"type": "string"}}},
    }
}


@router.get(
    "/{check_id}",
    summary="Get a check",
    response_model=CheckAnswer,
    responses={**_FORMS, **problems(404, 406, 409, 422)},
)
def get_check(
    *, check_id: CheckId, service: TheService, request: Request, response: Response, form: Form = None
) -> CheckAnswer | Response:
    """The verdict with its evidence: metrics with intervals and margins, conditions with layers.

    In JUnit XML, `fail` is a failure, `inconclusive` is skipped, and a check without a verdict is an error.
    """
    found = service.store.checks.get(check_id)
    chosen = _BY_NAME[form] if form else choose(request.headers.get("accept"), [JSON, JUNIT])
    if chosen == JUNIT:
        if found.status == "running":
            raise InsufficientData("the check is still running; its JUnit document is available when it has ended")
        page = f"{request.base_url}checks/{found.id}"
        return Response(junit_xml(found, page=page), media_type=JUNIT, headers={"Vary": "Accept"})
    response.headers["Vary"] = "Accept"
    if found.status == "running":
        response.headers["Retry-After"] = RETRY_AFTER_S
    return _answer(service, found)


@router.post(
    "/{check_id}/cancel",
    status_code=202,
    summary="Cancel a check",
    responses={200: {"description": "Already cancelled.", "model": CheckAnswer}, **problems(404, 409, 422)},
)
def cancel_check(check_id: CheckId, service: TheService, response: Response) -> CheckAnswer:
    """Queued runs end immediately, running ones at their next step. The check gets no verdict."""
    return _answer(service, cancel(service.store.checks, check_id, response))


@router.delete(
    "/{check_id}",
    status_code=204,
    summary="Delete a check",
    responses=problems(404, 409, 422),
    response_class=Response,
)
def delete_check(check_id: CheckId, service: TheService) -> None:
    """Delete the check with its runs and their data. Refused if a baseline uses the runs."""
    service.store.checks.delete(check_id)


def _answer(service: Service, check: Check) -> CheckAnswer:
    return CheckAnswer.of(
        CheckSummary.model_validate(check),
        check.report,
        pin_run_ids=service.store.baselines.pin_of(check.pin_id).run_ids,
        run_ids=[run.id for run in service.store.checks.runs(check.id)],
    )
