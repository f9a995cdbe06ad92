"""`/v1/recordings`: runs that are trained by an external program, which sends its statistics."""

from fastapi import APIRouter, Response

from ..measurements.recording import Declaration, Ending, Window
from ..schemas.recording import RecordingAnswer, RecordingUrls, WindowAnswer
from ..schemas.requests.recording import RecordedStudyRequest, RecordingRequest
from ..schemas.run import RunDetailAnswer
from ..schemas.study import StudyAnswer
from ..store import Place, Run
from ..use_cases import recording as recordings
from ..use_cases.idempotency import idempotency_of
from ..use_cases.recorded_study import declare_study
from ..use_cases.service import Service
from .http.body import StrictJSONRoute
from .http.dependencies import BODY_PROBLEMS, IdempotencyKey, RunId, TheService, problems
from .run import run_answer, run_detail
from .study import study_answer

router = APIRouter(prefix="/v1/recordings", tags=["recordings"], route_class=StrictJSONRoute)


@router.post(
    "",
    status_code=201,
    summary="Declare an external training",
    responses={
        200: {"description": "Already declared with this key.", "model": RecordingAnswer},
        201: {
            "description": "Stored; waiting for statistics.",
            "headers": {"Location": {"description": "The recording.", "schema": {"type": "string"}}},
        },
        **problems(404, 409, *BODY_PROBLEMS),
    },
)
def create_recording(
    *, body: RecordingRequest, service: TheService, response: Response, idempotency_key: IdempotencyKey = None
) -> RecordingAnswer:
    """Create a run for a training in your own program. `urls` has the addresses for statistics and for ending the run.

    It is a run like any other: `GET /v1/runs/{id}` and its sub-resources work after the first statistics.
    """
    created = recordings.declare(
        service,
        body.declaration(),
        name=body.name,
        labels=body.labels,
        place=None if body.study is None or body.arm is None else Place(body.study, body.arm),
        idempotency=idempotency_of(idempotency_key, kind="recording", body=body.to_json()),
    )
    if created.replayed:
        response.status_code = 200
    response.headers["Location"] = f"/v1/recordings/{created.item.id}"
    return _answer(service, created.item)


@router.post(
    "/studies",
    status_code=201,
    summary="Declare a study of external trainings",
    responses={
        200: {"description": "Already declared with this key.", "model": StudyAnswer},
        201: {
            "description": "Stored; waiting for its runs.",
            "headers": {"Location": {"description": "The study.", "schema": {"type": "string"}}},
        },
        **problems(409, *BODY_PROBLEMS),
    },
)
def create_recorded_study(
    *, body: RecordedStudyRequest, service: TheService, response: Response, idempotency_key: IdempotencyKey = None
) -> StudyAnswer:
    """Create a study whose arms your own program trains. Each of its runs is a recording that names `study` and `arm`.

    It is a study like any other: its comparison, its events and its page are at `urls`. It is `running` until each arm
    has a run that has ended for each seed, or until it is cancelled. `experiment` is empty.
    """
    created = declare_study(
        service, body, idempotency=idempotency_of(idempotency_key, kind="recorded_study", body=body.to_json())
    )
    if created.replayed:
        response.status_code = 200
    answer = study_answer(created.item)
    response.headers["Location"] = answer.urls.self
    return answer


@router.get("/{run_id}", summary="Get a recording", responses=problems(404, 422))
def get_recording(run_id: RunId, service: TheService) -> RecordingAnswer:
    """The declaration, and the number of the next expected window."""
    service.store.recordings.get(run_id)
    return _answer(service, service.store.runs.get(run_id))


@router.post(
    "/{run_id}/statistics",
    status_code=202,
    summary="Send recorded statistics",
    responses={
        200: {"description": "This window was already stored.", "model": WindowAnswer},
        202: {"description": "Stored."},
        **problems(404, 409, *BODY_PROBLEMS),
    },
)
def append_statistics(*, run_id: RunId, body: Window, service: TheService, response: Response) -> WindowAnswer:
    """Windows are numbered from 0 and stored in order. A repeated window counts once; a gap is a 409.

    A recording ends automatically if no window arrives for some time; an empty window keeps it alive.
    """
    if not recordings.append(service, run_id, body):
        response.status_code = 200
    return WindowAnswer(run_id=run_id, next_window=service.store.recordings.get(run_id).windows)


@router.post(
    "/{run_id}/finish",
    summary="End a recording",
    responses=problems(404, 409, *BODY_PROBLEMS),
)
def finish_recording(*, run_id: RunId, body: Ending, service: TheService) -> RunDetailAnswer:
    """End the run and diagnose it. Repeating the request returns the same response."""
    run = recordings.finish(service, run_id, body)
    return run_detail(run, service.store.runs.transitions(run_id), repeatable=False)


def _answer(service: Service, run: Run) -> RecordingAnswer:
    recording, at = service.store.recordings.get(run.id), f"/v1/recordings/{run.id}"
    return RecordingAnswer(
        id=run.id,
        declared=Declaration.model_validate(recording.declared),
        next_window=recording.windows,
        run=run_answer(run),
        urls=RecordingUrls(
            self=at,
            statistics=f"{at}/statistics",
            finish=f"{at}/finish",
            run=f"/v1/runs/{run.id}",
            page=f"/runs/{run.id}",
        ),
    )
