"""`/v1/studies`: comparison of several arms of an experiment over seeds."""

from typing import Annotated

from fastapi import APIRouter, Query, Response

from ..comparison import DEFAULT_METRIC
from ..diagnosis import Condition
from ..kernel.status import StudyStatus
from ..schemas.comparison import ComparisonAnswer
from ..schemas.requests.edit import EditRequest
from ..schemas.requests.study import StudyRequest
from ..schemas.study import StudyAnswer, StudyPage, StudyUrls
from ..store import Study
from ..use_cases.comparison import compare_study
from ..use_cases.idempotency import idempotency_of
from ..use_cases.study import submit_study
from .http.body import StrictJSONRoute
from .http.conditional import UNCHANGED, UNCHANGED_STUDY
from .http.dependencies import BODY_PROBLEMS, IdempotencyKey, StudyId, TheService, problems
from .http.filters import Labels
from .http.paging import PageOfStudies
from .http.submitted import RETRY_AFTER_S, cancel, headers_of, point_to

router = APIRouter(prefix="/v1/studies", tags=["studies"], route_class=StrictJSONRoute)

Metric = Annotated[str, Query(max_length=100, description="The metric that decides the verdicts.")]
Confidence = Annotated[
    float, Query(ge=0.5, lt=1, description="Simultaneous confidence of all intervals of one comparison.")
]


def study_answer(study: Study) -> StudyAnswer:
    """A study with its progress and links."""
    return StudyAnswer.showing(study, urls=StudyUrls.of_study(study.id))


@router.post(
    "",
    status_code=202,
    summary="Queue a study",
    responses={
        202: {"description": "Stored and queued.", "headers": headers_of("study")},
        **problems(409, *BODY_PROBLEMS),
    },
)
def create_study(
    body: StudyRequest, service: TheService, response: Response, idempotency_key: IdempotencyKey = None
) -> StudyAnswer:
    """Validate every arm at every sweep point, then store and queue all runs. If any is invalid, nothing is stored."""
    idempotency = idempotency_of(idempotency_key, kind="study", body=body.to_json())
    created = submit_study(service, body, idempotency=idempotency)
    answer = study_answer(created.item)
    point_to(response, answer.urls.self)
    return answer


@router.get("", summary="List studies", responses=problems(422))
def list_studies(
    *,
    service: TheService,
    paging: PageOfStudies,
    labels: Labels,
    status: Annotated[StudyStatus | None, Query(description="Only studies with this status.")] = None,
    condition: Annotated[
        Condition | None, Query(description="Only studies whose baseline has this primary condition in any run.")
    ] = None,
) -> StudyPage:
    """Studies that match all filters, newest first."""
    page = service.store.studies.page(
        status=status, condition=condition, labels=labels, after=paging.after, limit=paging.limit
    )
    return paging.answer(StudyPage, page, item=study_answer)


@router.get(
    "/{study_id}", summary="Get a study", responses=UNCHANGED | problems(404, 422), dependencies=[UNCHANGED_STUDY]
)
def get_study(study_id: StudyId, service: TheService, response: Response) -> StudyAnswer:
    """Status and progress; its runs are at `urls.runs`."""
    answer = study_answer(service.store.studies.get(study_id))
    if answer.status == "running":
        response.headers["Retry-After"] = RETRY_AFTER_S
    return answer


@router.post(
    "/{study_id}/cancel",
    status_code=202,
    summary="Cancel a study",
    responses={200: {"description": "Already cancelled.", "model": StudyAnswer}, **problems(404, 409, 422)},
)
def cancel_study(study_id: StudyId, service: TheService, response: Response) -> StudyAnswer:
    """Queued runs end immediately, running ones at their next step. Finished runs can still be compared."""
    return study_answer(cancel(service.store.studies, study_id, response))


@router.patch("/{study_id}", summary="Rename or annotate a study", responses=problems(404, *BODY_PROBLEMS))
def edit_study(study_id: StudyId, body: EditRequest, service: TheService) -> StudyAnswer:
    """Change the name, labels or notes: what is left out stays as it is, null removes (RFC 7396)."""
    return study_answer(service.store.studies.edit(study_id, **body.edits()))


@router.delete(
    "/{study_id}", status_code=204, summary="Delete a study", responses=problems(404, 409, 422), response_class=Response
)
def delete_study(study_id: StudyId, service: TheService) -> None:
    """Delete the study with its runs and their data. Refused if a baseline or a check uses one of the runs."""
    service.store.studies.delete(study_id)


@router.get(
    "/{study_id}/comparison",
    summary="Compare the arms of a study",
    responses=UNCHANGED | problems(404, 409, 422),
    dependencies=[UNCHANGED_STUDY],
)
def get_study_comparison(
    *, study_id: StudyId, service: TheService, metric: Metric = DEFAULT_METRIC, confidence: Confidence = 0.95
) -> ComparisonAnswer:
    """For each arm: conditions per seed, diagnosis over all seeds, verdict, effects with intervals, cost and rank.

    For the baseline and each arm, `diagnoses` has the number of seeds with each condition (with a Wilson interval), the
    layers, the first step, and every measured number with the interval of its median over the seeds.

    While the study is running, `complete` is false and verdicts are `inconclusive`.
    """
    found = compare_study(service, study_id, metric=metric, confidence=confidence)
    return ComparisonAnswer.model_validate(found)
