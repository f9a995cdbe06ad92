"""`/v1/runs/{id}/diagnosis` and `/diagnoses`: conditions with layers, onset and confidence."""

from fastapi import APIRouter

from ..diagnosis import Diagnosis
from ..schemas.diagnosis import DiagnosisAnswer, RunDiagnosisAnswer
from ..schemas.requests.diagnosis import DiagnosisRequest
from ..use_cases.diagnosis import diagnosis_of, judge_again
from .http.body import StrictJSONRoute
from .http.conditional import UNCHANGED, UNCHANGED_RUN
from .http.dependencies import BODY_PROBLEMS, RunId, TheService, problems

router = APIRouter(prefix="/v1/runs/{run_id}", tags=["diagnosis"], route_class=StrictJSONRoute)


@router.get(
    "/diagnosis",
    summary="Get a run's diagnosis",
    responses=UNCHANGED | problems(404, 409, 422),
    dependencies=[UNCHANGED_RUN],
)
def get_run_diagnosis(run_id: RunId, service: TheService) -> RunDiagnosisAnswer:
    """All findings, the primary one first. For a run in progress, the diagnosis so far (`provisional`)."""
    found, provisional = diagnosis_of(service, service.store.runs.get(run_id))
    return _answer(found, run_id=run_id, provisional=provisional)


@router.post(
    "/diagnoses",
    summary="Diagnose a run again",
    responses=problems(404, 409, *BODY_PROBLEMS),
)
def judge_run_again(run_id: RunId, body: DiagnosisRequest, service: TheService) -> RunDiagnosisAnswer:
    """Apply another rule set or other thresholds to the same record. The stored diagnosis does not change."""
    run = service.store.runs.get(run_id)
    found = judge_again(service, run, rule_set=body.rule_set, thresholds=body.thresholds)
    return _answer(found, run_id=run_id, provisional=not run.ended)


def _answer(found: Diagnosis, *, run_id: str, provisional: bool) -> RunDiagnosisAnswer:
    return RunDiagnosisAnswer.of(DiagnosisAnswer.model_validate(found), run_id=run_id, provisional=provisional)
