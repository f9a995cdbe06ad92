"""`/v1/runs/{id}/statistics`, `/profile`, `/curves`: recorded statistics, in several formats."""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response

from ..kernel.errors import InvalidRequest
from ..measurements.sampling import Aggregate, Sampled, sample
from ..measurements.statistics import STATISTICS
from ..schemas.prediction import PredictionAnswer
from ..schemas.statistic import CurveAnswer, CurvesAnswer, ProfileAnswer, ProfilePoint, SeriesAnswer, StatisticsAnswer
from ..use_cases.statistic import CURVES, read_profile, read_series
from .http.accept import choose, has_arrow
from .http.conditional import UNCHANGED, UNCHANGED_RUN
from .http.dependencies import RunId, TheService, problems
from .statistic_rows import ARROW, CSV, NDJSON, PARQUET, rows_response

router = APIRouter(prefix="/v1/runs", tags=["statistics"])


JSON = "application/json"

StepRange = Annotated[
    str | None,
    Query(
        pattern="^[0-9]{0,9}:[0-9]{0,9}$",
        description="`a:b`: steps from a up to, but not including, b; both are optional.",
        examples=["0:100"],
    ),
]
MaxPoints = Annotated[
    int | None,
    Query(
        ge=2,
        le=1_000_000,
        description="Maximum number of points per series. `sampled` in the response says whether points were left out.",
    ),
]
HowToJoin = Annotated[
    Aggregate,
    Query(description="How longer series are reduced: evenly spaced points (`none`), or an aggregate of buckets."),
]
_FORMS: dict[str, Any] = {
    JSON: {},
    CSV: {"schema": {"type": "string"}},
    NDJSON: {"schema": {"type": "string"}},
    ARROW: {"schema": {"type": "string", "format": "binary"}},
    PARQUET: {"schema": {"type": "string", "format": "binary"}},
}


@router.get(
    "/{run_id}/statistics",
    summary="Get recorded statistics",
    response_model=StatisticsAnswer,
    responses={
        200: {"description": "The series, in the requested format.", "content": _FORMS},
        **UNCHANGED,
        **problems(404, 406, 409, 422),
    },
    dependencies=[UNCHANGED_RUN],
)
def get_run_statistics(
    *,
    run_id: RunId,
    service: TheService,
    request: Request,
    statistic: Annotated[
        list[str] | None,
        Query(
            description="Statistics to return; repeatable, or separated by commas. All by default; see the catalogue.",
            examples=[["site_grad_rms"]],
        ),
    ] = None,
    layers: Annotated[
        list[str] | None, Query(description="Only these layers; repeatable, or separated by commas.")
    ] = None,
    steps: StepRange = None,
    max_points: MaxPoints = None,
    aggregate: HowToJoin = "none",
) -> Response:
    """Recorded series as JSON, CSV, NDJSON, Arrow or Parquet, by the header `Accept`.

    Non-finite values are the strings "NaN", "Infinity", "-Infinity" in JSON and NDJSON.
    """
    form = choose(request.headers.get("accept"), [JSON, CSV, NDJSON, *([ARROW, PARQUET] if has_arrow() else [])])
    run = service.store.runs.get(run_id)
    wanted = _split(statistic) or sorted(service.store.statistics.extents(run_id), key=list(STATISTICS).index)
    first, last = _range(steps)
    found = read_series(service, run, wanted, layers=_split(layers) or None, first_step=first, last_step=last)
    selection = [(named, sample(named.series, max_points=max_points, aggregate=aggregate)) for named in found]
    both = aggregate == "minmax"
    headers = {
        "X-Sampled": str(any(sampled.sampled for _, sampled in selection)).lower(),
        "X-Source-Points": str(max((sampled.source_points for _, sampled in selection), default=0)),
        "Vary": "Accept",
    }
    if form != JSON:
        return rows_response(form, selection, both=both, headers=headers, name=run_id)
    series = [_series(named.statistic, list(named.layers), sampled, both=both) for named, sampled in selection]
    answer = StatisticsAnswer(
        run_id=run_id,
        status=run.status,
        aggregate=aggregate,
        sampled=any(each.sampled for each in series),
        source_points=max((each.source_points for each in series), default=0),
        statistics=series,
    )
    # Serialized by pydantic: 0.1 s for a million numbers; the renderer of the other responses takes 1.3 s.
    return Response(answer.model_dump_json(), media_type=JSON, headers=headers)


def _split(given: list[str] | None) -> list[str]:
    return list(dict.fromkeys(name.strip() for part in given or () for name in part.split(",") if name.strip()))


def _range(steps: str | None) -> tuple[int | None, int | None]:
    if steps is None:
        return None, None
    first, _, end = steps.partition(":")
    if first and end and int(first) >= int(end):
        raise InvalidRequest.at("", f"the range {steps} contains no step", value=steps, allowed="a:b with a < b")
    return (int(first) if first else None), (int(end) - 1 if end else None)


def _series(statistic: str, layers: list[str], sampled: Sampled, *, both: bool) -> SeriesAnswer:
    facts = STATISTICS[statistic]
    return SeriesAnswer(
        statistic=statistic,
        unit=facts.unit,
        per=facts.per,
        layers=layers,
        steps=sampled.steps.tolist(),
        values=None if both else sampled.high.tolist(),
        minimum=sampled.low.tolist() if both else None,
        maximum=sampled.high.tolist() if both else None,
        sampled=sampled.sampled,
        source_points=sampled.source_points,
    )


@router.get(
    "/{run_id}/profile",
    summary="Get a profile over depth",
    responses=UNCHANGED | problems(404, 409, 422),
    dependencies=[UNCHANGED_RUN],
)
def get_run_profile(
    *,
    run_id: RunId,
    service: TheService,
    statistic: Annotated[
        str, Query(max_length=100, description="A statistic per site or per weight.")
    ] = "site_grad_rms",
    step: Annotated[
        str,
        Query(
            pattern="^(last|[0-9]{1,9})$",
            description="`last`, or a step; the last recorded step at or before it is used.",
        ),
    ] = "0",
) -> ProfileAnswer:
    """One statistic by depth, with the mean-field prediction for step 0 if a closed form exists."""
    run = service.store.runs.get(run_id)
    found = read_profile(service, run, statistic=statistic, step=None if step == "last" else int(step))
    predicted = found.predicted()
    last = max(len(found.layers) - 1, 1)
    return ProfileAnswer(
        run_id=run_id,
        statistic=statistic,
        unit=STATISTICS[statistic].unit,
        step=found.step,
        points=[
            ProfilePoint(layer=layer, depth=index / last, value=value, predicted=predicted.get(layer))
            for index, (layer, value) in enumerate(zip(found.layers, found.values, strict=True))
        ],
        depth_slope=found.slope,
        predicted_depth_slope=found.prediction.depth_slope if found.prediction else None,
        prediction=PredictionAnswer.model_validate(found.prediction) if found.prediction else None,
    )


@router.get(
    "/{run_id}/curves",
    summary="Get the curves",
    responses=UNCHANGED | problems(404, 409, 422),
    dependencies=[UNCHANGED_RUN],
)
def get_run_curves(
    *, run_id: RunId, service: TheService, max_points: MaxPoints = None, aggregate: HowToJoin = "none"
) -> CurvesAnswer:
    """Statistics of the whole run by step: losses, gradient norm before and after clipping, learning rate."""
    run = service.store.runs.get(run_id)
    curves = []
    sampled = False
    points = 0
    for named in read_series(service, run, CURVES):
        found = sample(named.series, max_points=max_points, aggregate="max" if aggregate == "minmax" else aggregate)
        sampled, points = sampled or found.sampled, max(points, found.source_points)
        facts = STATISTICS[named.statistic]
        curves.append(
            CurveAnswer(
                statistic=named.statistic,
                unit=facts.unit,
                help=facts.help,
                steps=found.steps.tolist(),
                values=found.high[:, 0].tolist(),
            )
        )
    return CurvesAnswer(run_id=run_id, status=run.status, sampled=sampled, source_points=points, curves=curves)
