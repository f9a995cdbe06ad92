"""`/v1/runs`: create, list, read, cancel and delete trainings."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Literal

from fastapi import APIRouter, Query, Request, Response
from fastapi.concurrency import run_in_threadpool
from pydantic import AwareDatetime

from ..diagnosis import Condition
from ..kernel.errors import ServiceUnavailable
from ..kernel.status import ENDED, RunSource, RunStatus
from ..schemas.requests.edit import EditRequest
from ..schemas.requests.run import RunRequest
from ..schemas.run import (
    ListedRunAnswer,
    ProgressAnswer,
    RunAnswer,
    RunDetailAnswer,
    RunLinesPage,
    RunPage,
    RunSummaryAnswer,
    RunUrls,
)
from ..store import Created, ListedRun, Run, RunFilters, RunSort, RunSummary, Transition
from ..use_cases.dataset import is_repeatable
from ..use_cases.idempotency import idempotency_of
from ..use_cases.run import submit_run
from ..use_cases.service import Service
from .http.body import StrictJSONRoute
from .http.conditional import UNCHANGED, UNCHANGED_RUN
from .http.dependencies import BODY_PROBLEMS, IdempotencyKey, RunId, TheService, problems
from .http.filters import ConditionFilter, Labels
from .http.paging import PageOfRuns
from .http.submitted import RETRY_AFTER_S, cancel, headers_of
from .http.waiting import Prefer, seconds_to_wait, until

router = APIRouter(prefix="/v1/runs", tags=["runs"], route_class=StrictJSONRoute)


@router.post(
    "",
    status_code=202,
    summary="Queue a training",
    responses={
        200: {"description": "The run has ended, while waiting or before.", "model": RunDetailAnswer},
        202: {"description": "Stored and queued.", "headers": headers_of("run")},
        **problems(409, *BODY_PROBLEMS),
    },
)
async def create_run(
    *,
    body: RunRequest,
    service: TheService,
    request: Request,
    response: Response,
    idempotency_key: IdempotencyKey = None,
    prefer: Prefer = None,
) -> RunDetailAnswer:
    """Validate the experiment, apply the remedies, store the run, and queue it. Nothing is stored if this fails."""
    created = await run_in_threadpool(_submit, service, body, idempotency_key)
    run_id = created.item.id
    wait = seconds_to_wait(prefer)
    try:
        if wait:
            await until(lambda: _has_ended(service, run_id), seconds=wait, gone=request.is_disconnected)
            response.headers["Preference-Applied"] = f"wait={wait}"
        answer = await run_in_threadpool(_detail, service, run_id)
    except ServiceUnavailable:  # the run is stored: after a 503 the client would submit it again
        answer = run_detail(created.item, [], repeatable=True)
    response.headers["Location"] = answer.urls.self
    if answer.status in ENDED:
        response.status_code = 200
    else:
        response.headers["Retry-After"] = RETRY_AFTER_S
    return answer


def _has_ended(service: Service, run_id: str) -> bool:
    (run,) = service.store.runs.get_many([run_id])
    return run.ended


def _submit(service: Service, body: RunRequest, key: str | None) -> Created[Run]:
    return submit_run(
        service,
        body.experiment,
        body.remedies,
        name=body.name,
        labels=body.labels,
        reuse=body.reuse is not None,
        idempotency=idempotency_of(key, kind="run", body=body.to_json()),
    )


def _detail(service: Service, run_id: str) -> RunDetailAnswer:
    run = service.store.runs.get(run_id)
    return run_detail(run, service.store.runs.transitions(run_id), repeatable=is_repeatable(service.store, run))


@router.get("", summary="List runs", responses=problems(422))
def list_runs(
    *,
    service: TheService,
    paging: PageOfRuns,
    labels: Labels,
    status: Annotated[RunStatus | None, Query(description="Only runs with this status.")] = None,
    condition: ConditionFilter = None,
    finding: Annotated[Condition | None, Query(description="Only runs with a finding of this condition.")] = None,
    study: Annotated[str | None, Query(max_length=40, description="Only runs of this study.")] = None,
    source: Annotated[
        RunSource | None,
        Query(description="Only runs that this asked for; `own`: nothing else; `recording`: those that were recorded."),
    ] = None,
    created_from: Annotated[
        AwareDatetime | None, Query(description="Only runs created at this time or later, with its time zone.")
    ] = None,
    created_before: Annotated[AwareDatetime | None, Query(description="Only runs created before this time.")] = None,
    search: Annotated[
        str | None,
        Query(
            max_length=100,
            description="Only runs whose name, arm, id, model or labels have each of these words, as parts of words.",
        ),
    ] = None,
    sort: Annotated[RunSort, Query(description="The order; descending with a minus. Missing values come last.")] = (
        "-created_at"
    ),
    view: Annotated[
        Literal["full", "summary"],
        Query(description="`summary` leaves out remedies, diagnoses and links, and is the fastest."),
    ] = "full",
    total: Annotated[bool, Query(description="Whether to count the matching runs, at most 100,000.")] = False,
) -> RunPage | RunLinesPage:
    """Runs that match all filters, without their experiments."""
    filters = RunFilters(
        status=status,
        condition=condition,
        finding=finding,
        labels=labels,
        study_id=study,
        source=source,
        created_from=created_from,
        created_before=created_before,
        search=search,
    )
    runs = service.store.runs
    counted = runs.total(**filters) if total else None
    if view == "summary":
        lines = runs.listed(sort=sort, after=paging.after, limit=paging.limit, **filters)
        return paging.answer(RunLinesPage, lines, item=listed_run, total=counted)
    page = runs.page(sort=sort, after=paging.after, limit=paging.limit, **filters)
    return paging.answer(RunPage, page, item=run_summary, total=counted)


@router.get("/{run_id}", summary="Get a run", responses=UNCHANGED | problems(404, 422), dependencies=[UNCHANGED_RUN])
def get_run(run_id: RunId, service: TheService, response: Response) -> RunDetailAnswer:
    """Status, progress, metrics, diagnosis, status history and environment."""
    answer = _detail(service, run_id)
    if answer.status not in ENDED:
        response.headers["Retry-After"] = RETRY_AFTER_S
    return answer


@router.post(
    "/{run_id}/cancel",
    status_code=202,
    summary="Cancel a run",
    responses={200: {"description": "Already cancelled.", "model": RunAnswer}, **problems(404, 409, 422)},
)
def cancel_run(run_id: RunId, service: TheService, response: Response) -> RunAnswer:
    """A queued run ends immediately, a running one at its next step or after 20 s. Recorded data is kept."""
    return run_answer(cancel(service.store.runs, run_id, response))


@router.patch("/{run_id}", summary="Rename or annotate a run", responses=problems(404, *BODY_PROBLEMS))
def edit_run(run_id: RunId, body: EditRequest, service: TheService) -> RunDetailAnswer:
    """Change the name, labels or notes: what is left out stays as it is, null removes (RFC 7396)."""
    service.store.runs.edit(run_id, **body.edits())
    return _detail(service, run_id)


@router.delete(
    "/{run_id}", status_code=204, summary="Delete a run", responses=problems(404, 409, 422), response_class=Response
)
def delete_run(run_id: RunId, service: TheService) -> None:
    """Delete the run and its data; a running one is stopped first. Refused if a baseline or a check uses it."""
    service.store.runs.delete(run_id)


def listed_run(run: ListedRun) -> ListedRunAnswer:
    """A run as a line of a list."""
    return ListedRunAnswer.showing(
        run, sweep_point=run.point, progress=ProgressAnswer(step=run.step, steps=run.steps or None)
    )


def run_summary(run: RunSummary) -> RunSummaryAnswer:
    """A run in a list."""
    return RunSummaryAnswer.showing(run, **_more(run))


def run_answer(run: Run) -> RunAnswer:
    """A run without its history."""
    return RunAnswer.showing(run, **_more(run))


def run_detail(run: Run, transitions: Sequence[Transition], *, repeatable: bool) -> RunDetailAnswer:
    """A run with its history and environment."""
    return RunDetailAnswer.showing(run, transitions=transitions, repeatable=repeatable, **_more(run))


def _more(run: RunSummary) -> Mapping[str, object]:
    """The fields of a response that are not fields of the run."""
    at = f"/v1/runs/{run.id}"
    return {
        "sweep_point": run.point,
        "progress": ProgressAnswer(step=run.step, steps=run.steps or None),
        "urls": RunUrls(
            self=at,
            statistics=f"{at}/statistics",
            profile=f"{at}/profile",
            curves=f"{at}/curves",
            diagnosis=f"{at}/diagnosis",
            events=f"{at}/events",
            cancel=f"{at}/cancel",
            page=f"/runs/{run.id}",
            report=f"{at}/report",
        ),
    }
