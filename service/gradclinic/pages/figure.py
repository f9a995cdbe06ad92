"""`/v1/figures/...`: the figure behind each chart, as Plotly JSON, PNG or SVG."""

from typing import Annotated, Literal

from fastapi import APIRouter, Path, Query, Request, Response

from ..api.http.accept import choose
from ..api.http.dependencies import CheckId, PrescriptionId, RunId, StudyId, TheService, problems
from ..api.http.plain_json import dump
from ..comparison import DEFAULT_METRIC
from . import check, prescription, run, study
from .drawing import can_draw, draw
from .figures import Figure, Scale

router = APIRouter(prefix="/v1/figures", tags=["figures"])

JSON, PLOTLY, PNG, SVG = "application/json", "application/vnd.plotly.v1+json", "image/png", "image/svg+xml"
_BY_NAME = {"json": JSON, "png": PNG, "svg": SVG}

Form = Annotated[
    Literal["json", "png", "svg"] | None, Query(alias="format", description="Instead of the header `Accept`.")
]
_FORMS = {
    200: {
        "description": "A figure as Plotly reads it (`plotly.graph_objects.Figure(...)`), or drawn.",
        "content": {
            JSON: {"schema": {"type": "object"}},
            PNG: {"schema": {"type": "string", "format": "binary"}},
            SVG: {"schema": {"type": "string"}},
        },
    },
    **problems(404, 406, 409, 422),
}


@router.get("/runs/{run_id}/heatmap", summary="Gradient by layer and step", responses=_FORMS, response_class=Response)
def draw_run_heatmap(
    run_id: RunId,
    service: TheService,
    request: Request,
    scale: Annotated[
        Scale, Query(description="log10 g itself, or against the output's side at the same step.")
    ] = "absolute",
    form: Form = None,
) -> Response:
    """The size of the gradient as a colour, pooled to at most 240 x 120 cells."""
    return _answer(request, form, run.heatmap_figure(service, service.store.runs.get(run_id), scale=scale))


@router.get("/runs/{run_id}/profile", summary="Gradient against depth", responses=_FORMS, response_class=Response)
def draw_run_profile(run_id: RunId, service: TheService, request: Request, form: Form = None) -> Response:
    """Measured before the first step and at the last one, with the prediction where theory has one."""
    return _answer(request, form, run.profile_figure(service, service.store.runs.get(run_id)))


@router.get("/runs/{run_id}/curves", summary="Loss, gradient norm, rate", responses=_FORMS, response_class=Response)
def draw_run_curves(run_id: RunId, service: TheService, request: Request, form: Form = None) -> Response:
    """The numbers of the whole run against the step, at most 600 points each, peaks kept."""
    return _answer(request, form, run.curves_figure(service, service.store.runs.get(run_id)))


@router.get("/studies/{study_id}/ranking", summary="Arms, best on top", responses=_FORMS, response_class=Response)
def draw_study_ranking(
    study_id: StudyId,
    service: TheService,
    request: Request,
    metric: Annotated[str, Query(max_length=100, description="What the arms are compared by.")] = DEFAULT_METRIC,
    form: Form = None,
) -> Response:
    """How far each arm moved the metric, with its interval and verdict."""
    return _answer(request, form, study.ranking_figure(service, study_id, metric=metric))


@router.get(
    "/studies/{study_id}/profiles", summary="Gradient against depth by arm", responses=_FORMS, response_class=Response
)
def draw_study_profiles(
    study_id: StudyId,
    service: TheService,
    request: Request,
    at: Annotated[study.When, Query(description="Before the first step, or at each run's last record.")] = "start",
    form: Form = None,
) -> Response:
    """Every arm's profile over the others, the mean over seeds of log10 g."""
    return _answer(request, form, study.profiles_figure(service, study_id, at=at))


@router.get(
    "/studies/{study_id}/map", summary="What each arm reached over a sweep", responses=_FORMS, response_class=Response
)
def draw_study_map(
    study_id: StudyId,
    service: TheService,
    request: Request,
    metric: Annotated[str, Query(max_length=100, description="What is coloured: its median over seeds.")] = (
        DEFAULT_METRIC
    ),
    form: Form = None,
) -> Response:
    """A panel an arm over one or two swept fields, on one colour scale; 409 for other studies."""
    return _answer(request, form, study.map_figure(service, study_id, metric=metric))


@router.get(
    "/prescriptions/{prescription_id}/race",
    summary="What each candidate left of the loss",
    responses=_FORMS,
    response_class=Response,
)
def draw_prescription_race(
    prescription_id: PrescriptionId, service: TheService, request: Request, form: Form = None
) -> Response:
    """A row a candidate and a mark a run, by the round that asked for it, as far as runs have ended."""
    return _answer(request, form, prescription.race_figure(service, prescription_id))


@router.get(
    "/prescriptions/{prescription_id}/ranking",
    summary="The confirmation of a cure",
    responses=_FORMS,
    response_class=Response,
)
def draw_prescription_ranking(
    prescription_id: PrescriptionId, service: TheService, request: Request, form: Form = None
) -> Response:
    """Finalists and random control against the baseline on fresh seeds, with intervals and verdicts."""
    return _answer(request, form, prescription.ranking_figure(service, prescription_id))


@router.get(
    "/checks/{check_id}/{metric}",
    summary="A metric against its margin",
    responses=_FORMS,
    response_class=Response,
)
def draw_check_margin(
    check_id: CheckId,
    metric: Annotated[str, Path(min_length=1, max_length=100, pattern=r"^[a-z_]+$")],
    service: TheService,
    request: Request,
    form: Form = None,
) -> Response:
    """How far the new runs of a check are from the baseline's, seed by seed and on average, and what is allowed."""
    return _answer(request, form, check.margin_figure(service, check_id, metric))


def _answer(request: Request, form: str | None, figure: Figure) -> Response:
    drawn = [PNG, SVG] if can_draw() else []
    chosen = _BY_NAME[form] if form else choose(request.headers.get("accept"), [JSON, PLOTLY, *drawn])
    headers = {"Vary": "Accept", "Cache-Control": "no-cache", "X-Content-Type-Options": "nosniff"}
    if chosen in (JSON, PLOTLY):
        return Response(dump(figure), media_type=chosen, headers=headers)
    return Response(draw(figure, "png" if chosen == PNG else "svg"), media_type=chosen, headers=headers)
