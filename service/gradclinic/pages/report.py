"""`/v1/.../report`: pages as self-contained HTML files, for example to attach to a ticket."""

from typing import TYPE_CHECKING, Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse

from ..api.http.dependencies import PrescriptionId, RunId, StudyId, TheService, problems
from ..comparison import DEFAULT_METRIC
from . import prescription, run, study
from .drawing import turns
from .rendering import render
from .saved import policy

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

router = APIRouter(prefix="/v1")

_FILE = {
    200: {
        "description": "One self-contained HTML file that opens without a server.",
        "content": {"text/html": {"schema": {"type": "string"}}},
    },
    **problems(404, 409, 422),
}


@router.get(
    "/runs/{run_id}/report",
    summary="Save a run as one file",
    tags=["runs"],
    responses=_FILE,
    response_class=HTMLResponse,
)
def get_run_report(run_id: RunId, service: TheService, request: Request) -> HTMLResponse:
    """Diagnosis with evidence and thresholds, charts, documents and environment, also while it is running."""
    return _attached(request, "run.html", run_id, *run.report(service, run_id))


@router.get(
    "/studies/{study_id}/report",
    summary="Save a study as one file",
    tags=["studies"],
    responses=_FILE,
    response_class=HTMLResponse,
)
def get_study_report(
    study_id: StudyId,
    service: TheService,
    request: Request,
    metric: Annotated[str, Query(max_length=100, description="The metric that ranks the arms.")] = DEFAULT_METRIC,
) -> HTMLResponse:
    """The ranking with intervals, the diagnosis of every arm over its seeds, charts, runs and documents."""
    return _attached(request, "study.html", study_id, *study.report(service, study_id, metric=metric))


@router.get(
    "/prescriptions/{prescription_id}/report",
    summary="Save a prescription as one file",
    tags=["prescriptions"],
    responses=_FILE,
    response_class=HTMLResponse,
)
def get_prescription_report(prescription_id: PrescriptionId, service: TheService, request: Request) -> HTMLResponse:
    """The cure with its evidence, the race, the random control, and all candidates."""
    return _attached(request, "prescription.html", prescription_id, *prescription.report(service, prescription_id))


def _attached(request: Request, template: str, identifier: str, *shown: "DataclassInstance") -> HTMLResponse:
    with turns.one():
        answer = render(template, *shown, version=request.app.version)
    answer.headers["Content-Security-Policy"] = f"{policy()}; frame-ancestors 'none'; sandbox"
    answer.headers["Content-Disposition"] = f'attachment; filename="gradclinic-{identifier}.html"'
    return answer
