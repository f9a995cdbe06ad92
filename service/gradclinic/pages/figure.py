"""`/v1/figures/...`: the figure behind each chart, as Plotly JSON, PNG or SVG."""

from typing import Annotated, Literal

from fastapi import APIRouter, Path, Query, Request, Response

from ..api.http.accept import choose
from ..api.http.dependencies import BaselineName, CheckId, PrescriptionId, RunId, StudyId, TheService, problems
from ..api.http.plain_json import dump
from ..comparison import DEFAULT_METRIC
from ..kernel.errors import InvalidRequest
from ..use_cases.statistic import GRADIENT
from . import baseline, check, comparison, prescription, run, study
from .drawing import can_draw, draw, fits, turns
from .figures import Figure, Scale
from .loss_curves import loss_figure

router = APIRouter(prefix="/v1/figures", tags=["figures"])

JSON, PLOTLY, PNG, SVG = "application/json", "application/vnd.plotly.v1+json", "image/png", "image/svg+xml"
_BY_NAME = {"json": JSON, "png": PNG, "svg": SVG}

Form = Annotated[
    Literal["json", "png", "svg"] | None,
    Query(alias="format", description="Format of the figure; overrides the header `Accept`."),
]
LayerStatistic = Annotated[
    str, Query(max_length=100, description="A statistic that has a value for each layer (see the catalogue).")
]
_FORMS = {
    200: {
        "description": "A figure as Plotly JSON (for `plotly.graph_objects.Figure(...)`), or as an image.",
        "content": {
            JSON: {"schema": {"type": "object"}},
            PNG: {"schema": {"type": "string", "format": "binary"}},
            SVG: {"schema": {"type": "string"}},
        },
    },
    **problems(404, 406, 409, 422),
}


@router.get("/runs/{run_id}/heatmap", summary="Get a gradient heatmap", responses=_FORMS, response_class=Response)
def draw_run_heatmap(
    *,
    run_id: RunId,
    service: TheService,
    request: Request,
    scale: Annotated[
        Scale, Query(description="log10 g, absolute or relative to the output at the same step.")
    ] = "absolute",
    statistic: LayerStatistic = GRADIENT,
    form: Form = None,
) -> Response:
    """The size of the gradient, or another statistic of the layers, by layer and step, with at most 240 x 120 cells."""
    drawn = run.heatmap_figure(service, service.store.runs.get(run_id), scale=scale, statistic=statistic)
    return _answer(request, form, drawn)


@router.get("/runs/{run_id}/layers", summary="Get a statistic by layer", responses=_FORMS, response_class=Response)
def draw_run_layers(
    *,
    run_id: RunId,
    service: TheService,
    request: Request,
    statistic: LayerStatistic = GRADIENT,
    step: Annotated[
        int | None,
        Query(ge=0, le=2**31 - 1, description="The step, or the last recorded one before it; by default the last."),
    ] = None,
    form: Form = None,
) -> Response:
    """A statistic of the layers by depth at one step."""
    drawn = run.layers_figure(service, service.store.runs.get(run_id), statistic=statistic, step=step)
    return _answer(request, form, drawn)


@router.get("/runs/{run_id}/profile", summary="Get a gradient profile", responses=_FORMS, response_class=Response)
def draw_run_profile(run_id: RunId, service: TheService, request: Request, form: Form = None) -> Response:
    """The gradient by depth, before the first step and at the last one, with the prediction if there is one."""
    return _answer(request, form, run.profile_figure(service, service.store.runs.get(run_id)))


@router.get("/runs/{run_id}/curves", summary="Get training curves", responses=_FORMS, response_class=Response)
def draw_run_curves(run_id: RunId, service: TheService, request: Request, form: Form = None) -> Response:
    """Loss, gradient norm and learning rate by step, with at most 600 points each; peaks are kept."""
    return _answer(request, form, run.curves_figure(service, service.store.runs.get(run_id)))


@router.get("/studies/{study_id}/ranking", summary="Get a ranking of arms", responses=_FORMS, response_class=Response)
def draw_study_ranking(
    study_id: StudyId,
    service: TheService,
    request: Request,
    metric: Annotated[
        str, Query(max_length=100, description="The metric by which the arms are compared.")
    ] = DEFAULT_METRIC,
    form: Form = None,
) -> Response:
    """The effect of each arm on the metric, with interval and verdict; the best arm is on top."""
    return _answer(request, form, study.ranking_figure(service, study_id, metric=metric))


@router.get("/studies/{study_id}/curves", summary="Get loss curves by arm", responses=_FORMS, response_class=Response)
def draw_study_curves(study_id: StudyId, service: TheService, request: Request, form: Form = None) -> Response:
    """The loss of each arm by step: the median over its seeds, and a band from the lowest to the highest."""
    return _answer(request, form, study.curves_figure(service, study_id))


@router.get(
    "/studies/{study_id}/profiles", summary="Get gradient profiles by arm", responses=_FORMS, response_class=Response
)
def draw_study_profiles(
    study_id: StudyId,
    service: TheService,
    request: Request,
    at: Annotated[study.When, Query(description="Before the first step, or at each run's last record.")] = "start",
    form: Form = None,
) -> Response:
    """The gradient by depth for each arm: the mean over seeds of log10 g."""
    return _answer(request, form, study.profiles_figure(service, study_id, at=at))


@router.get("/studies/{study_id}/map", summary="Get a trainability map", responses=_FORMS, response_class=Response)
def draw_study_map(
    study_id: StudyId,
    service: TheService,
    request: Request,
    metric: Annotated[str, Query(max_length=100, description="The metric whose median over seeds is shown.")] = (
        DEFAULT_METRIC
    ),
    form: Form = None,
) -> Response:
    """One panel per arm over one or two swept fields, on a shared colour scale. 409 for studies without a sweep."""
    return _answer(request, form, study.map_figure(service, study_id, metric=metric))


ChosenRuns = Annotated[
    str,
    Query(
        min_length=1,
        max_length=1000,
        pattern=r"^[A-Za-z0-9_,]+$",
        description=f"Run ids, separated by commas; at most {comparison.MOST}.",
    ),
]


@router.get("/comparisons/curves", summary="Get loss curves of any runs", responses=_FORMS, response_class=Response)
def draw_comparison_curves(runs: ChosenRuns, service: TheService, request: Request, form: Form = None) -> Response:
    """The loss of each run by step, in one panel."""
    return _answer(request, form, loss_figure(service, comparison.runs_of(service, runs)))


@router.get(
    "/comparisons/profiles", summary="Get gradient profiles of any runs", responses=_FORMS, response_class=Response
)
def draw_comparison_profiles(runs: ChosenRuns, service: TheService, request: Request, form: Form = None) -> Response:
    """The gradient by depth of each run, at its last record."""
    return _answer(request, form, comparison.profiles_figure(service, comparison.runs_of(service, runs)))


@router.get(
    "/prescriptions/{prescription_id}/race",
    summary="Get the candidates of a search",
    responses=_FORMS,
    response_class=Response,
)
def draw_prescription_race(
    prescription_id: PrescriptionId, service: TheService, request: Request, form: Form = None
) -> Response:
    """The relative training loss of ended runs: one row per candidate, one mark per run, coloured by round."""
    return _answer(request, form, prescription.race_figure(service, prescription_id))


@router.get(
    "/prescriptions/{prescription_id}/ranking",
    summary="Get the confirmation of a cure",
    responses=_FORMS,
    response_class=Response,
)
def draw_prescription_ranking(
    prescription_id: PrescriptionId, service: TheService, request: Request, form: Form = None
) -> Response:
    """Finalists and random control compared with the baseline on new seeds, with intervals and verdicts."""
    return _answer(request, form, prescription.ranking_figure(service, prescription_id))


MetricName = Annotated[str, Path(min_length=1, max_length=100, pattern=r"^[a-z_]+$")]


@router.get(
    "/checks/{check_id}/{metric}",
    summary="Get a metric with its margin",
    responses=_FORMS,
    response_class=Response,
)
def draw_check_margin(
    check_id: CheckId,
    metric: MetricName,
    service: TheService,
    request: Request,
    form: Form = None,
) -> Response:
    """The difference between new runs and the baseline, by seed and on average, with the margin."""
    return _answer(request, form, check.margin_figure(service, check_id, metric))


@router.get(
    "/baselines/{name}/{metric}",
    summary="Get a metric of a baseline's last checks",
    responses=_FORMS,
    response_class=Response,
)
def draw_baseline_trend(
    name: BaselineName, metric: MetricName, service: TheService, request: Request, form: Form = None
) -> Response:
    """The change of each check from the baseline, with its interval, and the margin."""
    return _answer(request, form, baseline.trend_figure(service, name, metric))


def _answer(request: Request, form: str | None, figure: Figure) -> Response:
    drawn = [PNG, SVG] if can_draw() else []
    chosen = _BY_NAME[form] if form else choose(request.headers.get("accept"), [JSON, PLOTLY, *drawn])
    headers = {"Vary": "Accept", "Cache-Control": "no-cache", "X-Content-Type-Options": "nosniff"}
    if chosen in (JSON, PLOTLY):
        return Response(dump(figure), media_type=chosen, headers=headers)
    if not fits(figure):
        raise InvalidRequest.at("/format", "the figure has too many rows for an image", allowed="json")
    with turns.one():
        image = draw(figure, "png" if chosen == PNG else "svg")
    return Response(image, media_type=chosen, headers=headers)
