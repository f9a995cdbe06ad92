"""The pages: rendered on the server, so that they read without a script; a script draws charts and keeps them fresh."""

from collections.abc import Callable, Coroutine
from pathlib import Path as FilePath
from typing import Annotated, Any, get_args

from fastapi import APIRouter, Query, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse
from fastapi.routing import APIRoute
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.exceptions import HTTPException

from ..api.http.accept import choose
from ..api.http.dependencies import After, CheckId, PrescriptionId, RunId, StudyId, TheService
from ..api.http.plain_json import plain
from ..api.http.problems import MEDIA_TYPE, on_http_error
from ..comparison import METRICS
from ..diagnosis import Condition
from ..kernel.errors import GradclinicError
from ..kernel.names import NAME_PATTERN
from ..kernel.status import RunStatus
from ..remedies.words import in_words
from ..use_cases.catalogue import catalogue
from . import check as checks
from . import claim as claims
from . import content, words
from . import dataset as datasets
from . import prescription as prescriptions
from .files import PLOTLY, SWAGGER, SWAGGER_CSS, plotly_styles

EMPTY = "'sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU='"
"""Digest of an empty text: Plotly begins with an empty style element, and fills it through the object model."""
POLICY = (
    f"default-src 'none'; script-src 'self'; style-src 'self' {EMPTY}; img-src 'self' data: blob:; connect-src 'self'; "
    "font-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cache-Control": "no-store",
}
STATUSES: tuple[str, ...] = get_args(RunStatus)
CONDITIONS: tuple[str, ...] = get_args(Condition)


def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(FilePath(__file__).parent / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(
        number=words.number,
        percent=words.percent,
        share=words.share,
        words=words.words,
        sentence=words.sentence,
        capital=words.capital,
        coded=words.coded,
        field=words.field,
        moment=words.moment,
        pretty=lambda value: words.pretty(plain(value)),
        effect=words.effect,
        as_read=words.as_read,
        remedy=in_words,
        remedies=prescriptions.all_words,
    )
    environment.globals.update(layout="base.html", saved=False)  # a report has others
    return environment


templates = _environment()


def render(template: str, *, status_code: int = 200, **values: Any) -> HTMLResponse:
    """A page of our own templates; whatever a person typed is escaped."""
    text = templates.get_template(template).render(plotly=PLOTLY.address, plotly_styles=plotly_styles(), **values)
    return HTMLResponse(text, status_code=status_code, headers=HEADERS)


def on_nothing_there(request: Request, error: Exception) -> Response:
    """Says to a browser as a page that there is nothing at an address, and to a program as a problem document."""
    answer = on_http_error(request, error)
    try:
        form = choose(request.headers.get("accept"), (MEDIA_TYPE, "application/json", "text/html"))
    except HTTPException:
        return answer
    if form != "text/html" or request.url.path.startswith("/v1"):
        return answer
    text = f"there is nothing at {request.url.path[:200]}."
    return render("error.html", status_code=404, heading="Not found", text=text)


class PageRoute(APIRoute):
    """A route that says what is wrong as a page, too."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def handle_as_page(request: Request) -> Response:
            try:
                return await handle(request)
            except GradclinicError as error:
                return render("error.html", status_code=error.status, heading=error.title, text=str(error))
            except RequestValidationError:
                return render("error.html", status_code=422, heading="Not found", text="This address is not valid.")

        return handle_as_page


router = APIRouter(include_in_schema=False, route_class=PageRoute)

StatusFilter = Annotated[str, Query(pattern=f"^({'|'.join(STATUSES)})?$")]
ConditionFilter = Annotated[str, Query(pattern=f"^({'|'.join(CONDITIONS)})?$")]


@router.get("/")
def index(
    service: TheService, status: StatusFilter = "", condition: ConditionFilter = "", after: After = None
) -> HTMLResponse:
    """Studies and runs, newest first."""
    shown = content.index(service, status=status, condition=condition, after=after)
    return render("index.html", statuses=STATUSES, conditions=CONDITIONS, **shown)


@router.get("/runs/{run_id}")
def run(run_id: RunId, service: TheService) -> HTMLResponse:
    """One run: what is wrong, where, since when, and what may help."""
    return render("run.html", **content.run(service, run_id))


@router.get("/studies/{study_id}")
def study(study_id: StudyId, service: TheService, metric: str = next(iter(METRICS))) -> HTMLResponse:
    """One study: which remedy cures it."""
    metrics = [each for each in METRICS.values() if each.decides]
    return render("study.html", metrics=metrics, **content.study(service, study_id, metric=metric))


@router.get("/prescriptions")
def list_prescriptions(service: TheService, after: After = None) -> HTMLResponse:
    """Searches for a cure, newest first."""
    return render("prescriptions.html", **prescriptions.listed(service, after=after))


@router.get("/prescriptions/{prescription_id}")
def prescription(prescription_id: PrescriptionId, service: TheService) -> HTMLResponse:
    """One search: what it starts from, how far it is, what cures, and by which evidence."""
    return render("prescription.html", **prescriptions.one(service, prescription_id))


@router.get("/checks")
def list_checks(
    service: TheService,
    baseline: Annotated[str | None, Query(max_length=100, pattern=NAME_PATTERN)] = None,
    after: After = None,
) -> HTMLResponse:
    """New results against their baselines, newest first, and the schedules that start them."""
    return render("checks.html", **checks.listed(service, baseline=baseline, after=after))


@router.get("/checks/{check_id}")
def check(check_id: CheckId, service: TheService) -> HTMLResponse:
    """One check: the verdict, and by which metric, which condition and which margins."""
    return render("check.html", **checks.one(service, check_id))


@router.get("/claims")
def list_claims(service: TheService, *, quick: bool = False) -> HTMLResponse:
    """Common advice, and what measurement says of it."""
    return render("claims.html", **claims.listed(service, quick=quick))


@router.get("/datasets")
def list_datasets(service: TheService, after: After = None) -> HTMLResponse:
    """Uploaded data sets, by their id."""
    return render("datasets.html", **datasets.listed(service, after=after))


@router.get("/docs")
def show_docs() -> HTMLResponse:
    """The API's documentation: Swagger UI, of the installed package."""
    there = SWAGGER.installed
    return render("docs.html", script=SWAGGER.address if there else None, styles=SWAGGER_CSS.address if there else None)


@router.get("/catalogue")
def show_catalogue() -> HTMLResponse:
    """Everything that a request can name."""
    return render("catalogue.html", sections=catalogue())
