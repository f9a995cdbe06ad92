"""`/v1/prescriptions`: searches for remedies that cure an experiment."""

from typing import Annotated

from fastapi import APIRouter, Query, Response

from ..kernel.status import StudyStatus
from ..kernel.vocabulary import SearchEnding
from ..schemas.prescription import PrescriptionAnswer, PrescriptionPage, PrescriptionSummary
from ..schemas.requests.prescription import PrescriptionRequest
from ..store import Prescription
from ..use_cases.idempotency import idempotency_of
from ..use_cases.prescription import submit_prescription, why
from .http.body import StrictJSONRoute
from .http.dependencies import BODY_PROBLEMS, IdempotencyKey, PrescriptionId, TheService, problems
from .http.filters import ConditionFilter, Labels
from .http.paging import PageOfPrescriptions
from .http.submitted import RETRY_AFTER_S, cancel, headers_of, point_to

router = APIRouter(prefix="/v1/prescriptions", tags=["prescriptions"], route_class=StrictJSONRoute)


@router.post(
    "",
    status_code=202,
    summary="Search for a cure",
    responses={
        202: {"description": "Stored; the first runs are queued.", "headers": headers_of("prescription")},
        **problems(409, *BODY_PROBLEMS),
    },
)
def create_prescription(
    body: PrescriptionRequest, service: TheService, response: Response, idempotency_key: IdempotencyKey = None
) -> PrescriptionAnswer:
    """Diagnose the experiment, try remedies, and confirm the best on new seeds against a random control."""
    submitted = submit_prescription(
        service,
        body,
        idempotency=idempotency_of(idempotency_key, kind="prescription", body=body.to_json()),
    )
    answer = _answer(submitted)
    point_to(response, answer.urls.self)
    return answer


@router.get("", summary="List prescriptions", responses=problems(422))
def list_prescriptions(
    *,
    service: TheService,
    paging: PageOfPrescriptions,
    labels: Labels,
    status: Annotated[StudyStatus | None, Query(description="Only prescriptions with this status.")] = None,
    condition: ConditionFilter = None,
    ending: Annotated[SearchEnding | None, Query(description="Only prescriptions with this ending.")] = None,
) -> PrescriptionPage:
    """Prescriptions that match all filters, newest first."""
    page = service.store.prescriptions.page(
        status=status, condition=condition, ending=ending, labels=labels, after=paging.after, limit=paging.limit
    )
    return paging.answer(PrescriptionPage, page, item=PrescriptionSummary.model_validate)


@router.get("/{prescription_id}", summary="Get a prescription", responses=problems(404, 422))
def get_prescription(prescription_id: PrescriptionId, service: TheService, response: Response) -> PrescriptionAnswer:
    """The results so far: diagnosis, candidates, random control, and the cure with its evidence."""
    answer = _answer(service.store.prescriptions.get(prescription_id))
    if answer.status == "running":
        response.headers["Retry-After"] = RETRY_AFTER_S
    return answer


@router.post(
    "/{prescription_id}/cancel",
    status_code=202,
    summary="Cancel a prescription",
    responses={
        200: {"description": "Already cancelled.", "model": PrescriptionAnswer},
        **problems(404, 409, 422),
    },
)
def cancel_prescription(prescription_id: PrescriptionId, service: TheService, response: Response) -> PrescriptionAnswer:
    """Queued runs end immediately, running ones at their next step. The results so far are kept."""
    return _answer(cancel(service.store.prescriptions, prescription_id, response))


@router.delete(
    "/{prescription_id}",
    status_code=204,
    summary="Delete a prescription",
    responses=problems(404, 409, 422),
    response_class=Response,
)
def delete_prescription(prescription_id: PrescriptionId, service: TheService) -> None:
    """Delete the prescription with its runs and their data. Refused if a baseline or a check uses one of the runs."""
    service.store.prescriptions.delete(prescription_id)


def _answer(found: Prescription) -> PrescriptionAnswer:
    return PrescriptionAnswer.of(PrescriptionSummary.model_validate(found), found.report, why=why(found))
