"""`/v1/comparisons`: any runs against one of them."""

from typing import Annotated

from fastapi import APIRouter, Query

from .. import schemas as a
from ..comparison import DEFAULT_METRIC
from ..kernel.errors import InvalidRequest
from ..schemas.requests import ComparisonRequest
from ..use_cases.comparison import compare_runs
from .http.body import StrictJSONRoute
from .http.dependencies import BODY_PROBLEMS, TheService, problems
from .http.plain_json import PlainJSON
from .study import Confidence, Metric

router = APIRouter(prefix="/v1/comparisons", tags=["comparisons"], route_class=StrictJSONRoute)


@router.get("", summary="Compare runs", responses=problems(404, 409, 422), response_model=a.ComparisonAnswer)
def get_comparison(
    *,
    service: TheService,
    runs: Annotated[
        str,
        Query(
            min_length=1,
            max_length=20_000,
            pattern=r"^[A-Za-z0-9_,]+$",
            description="Identifiers of runs, separated by commas. Those with the same arm (or name) belong together.",
        ),
    ],
    baseline: Annotated[
        str, Query(min_length=1, max_length=40, description="The run whose arm the others are held against.")
    ],
    metric: Metric = DEFAULT_METRIC,
    confidence: Confidence = 0.95,
) -> PlainJSON:
    """The same as a study's comparison, for any runs; paired by seed where they share seeds, else by order."""
    run_ids = [run_id for run_id in runs.split(",") if run_id]
    if len(run_ids) < 2:
        raise InvalidRequest.at("", "a comparison needs at least two runs", value=runs, allowed="runs=a,b,...")
    return PlainJSON(compare_runs(service, run_ids, baseline=baseline, metric=metric, confidence=confidence).to_json())


@router.post(
    "", summary="Compare runs", responses=problems(404, 409, *BODY_PROBLEMS), response_model=a.ComparisonAnswer
)
def post_comparison(
    *, body: ComparisonRequest, service: TheService, metric: Metric = DEFAULT_METRIC, confidence: Confidence = 0.95
) -> PlainJSON:
    """The same, for more runs than fit into an address."""
    return PlainJSON(
        compare_runs(service, body.runs, baseline=body.baseline, metric=metric, confidence=confidence).to_json()
    )
