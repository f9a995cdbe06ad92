"""`/v1/comparisons`: comparison of any runs."""

from typing import Annotated

from fastapi import APIRouter, Query

from ..comparison import DEFAULT_METRIC
from ..kernel.errors import InvalidRequest
from ..schemas.comparison import ComparisonAnswer
from ..schemas.requests.comparison import ComparisonRequest
from ..use_cases import comparison as comparisons
from .http.body import StrictJSONRoute
from .http.dependencies import BODY_PROBLEMS, TheService, problems
from .study import Confidence, Metric

router = APIRouter(prefix="/v1/comparisons", tags=["comparisons"], route_class=StrictJSONRoute)


@router.get("", summary="Compare runs", responses=problems(404, 409, 422))
def compare_runs(
    *,
    service: TheService,
    runs: Annotated[
        str,
        Query(
            min_length=1,
            max_length=20_000,
            pattern=r"^[A-Za-z0-9_,]+$",
            description="Run ids, separated by commas. Runs with the same arm (or name) form one arm.",
        ),
    ],
    baseline: Annotated[
        str, Query(min_length=1, max_length=40, description="A run of the arm with which the others are compared.")
    ],
    metric: Metric = DEFAULT_METRIC,
    confidence: Confidence = 0.95,
) -> ComparisonAnswer:
    """Compare any runs like the arms of a study. Runs are paired by seed if they share seeds, otherwise by order."""
    run_ids = [run_id for run_id in runs.split(",") if run_id]
    if len(run_ids) < 2:
        raise InvalidRequest.at("", "a comparison needs at least two runs", value=runs, allowed="runs=a,b,...")
    found = comparisons.compare_runs(service, run_ids, baseline=baseline, metric=metric, confidence=confidence)
    return ComparisonAnswer.model_validate(found)


@router.post("", summary="Compare runs", responses=problems(404, 409, *BODY_PROBLEMS))
def compare_many_runs(
    *, body: ComparisonRequest, service: TheService, metric: Metric = DEFAULT_METRIC, confidence: Confidence = 0.95
) -> ComparisonAnswer:
    """The same with a request body, for more runs than fit into a URL."""
    found = comparisons.compare_runs(service, body.runs, baseline=body.baseline, metric=metric, confidence=confidence)
    return ComparisonAnswer.model_validate(found)
