"""Renders pages on the server, so they can be read without JavaScript; a script draws charts and updates the page."""

from collections.abc import Callable, Coroutine
from dataclasses import fields
from pathlib import Path as FilePath
from typing import TYPE_CHECKING, Any

from fastapi import APIRouter, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse
from fastapi.routing import APIRoute
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.exceptions import HTTPException

from ..api.http.accept import choose
from ..api.http.access import csrf_token, project_shown, sees_several_projects
from ..api.http.plain_json import plain
from ..api.http.problems import MEDIA_TYPE, on_http_error, parameter_entry, status_of
from ..diagnosis.finding import is_possibility
from ..kernel.amounts import bytes_in_words
from ..kernel.errors import GradclinicError
from ..kernel.program import COMMAND
from ..kernel.vocabulary import metric_in_words
from ..remedies.words import in_words
from . import filters
from .files import PLOTLY, plotly_styles

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

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


def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(FilePath(__file__).parent / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(
        number=filters.number,
        short=filters.short,
        percent=filters.percent,
        share=filters.share,
        words=filters.words,
        sentence=filters.sentence,
        metric=metric_in_words,
        capital=filters.capital,
        coded=filters.coded,
        field=filters.field,
        statistic=filters.statistic,
        moment=filters.moment,
        age=filters.age,
        duration=filters.duration,
        size=bytes_in_words,
        pretty=lambda value: filters.pretty(plain(value)),
        effect=filters.effect,
        waits=filters.waits,
        as_read=filters.as_read,
        severity_class=filters.severity_class,
        large=filters.large,
        network=filters.network,
        remedy=in_words,
        remedies=filters.remedies,
    )
    environment.tests.update(possibility=is_possibility)
    # A report overrides layout and saved.
    environment.globals.update(
        layout="base.html",
        saved=False,
        csrf=csrf_token,
        project=project_shown,
        sees_several_projects=sees_several_projects,
        command=COMMAND,
    )
    return environment


templates = _environment()


def render(template: str, *shown: "DataclassInstance", status_code: int = 200, **values: object) -> HTMLResponse:
    """Render one of our templates; text from users is escaped.

    The template reads the fields of `shown` by their names, and `values` by theirs; of two alike, the later one counts.
    """
    names = {each.name: getattr(view, each.name) for view in shown for each in fields(view)}
    page = {"plotly": PLOTLY.address, "plotly_styles": plotly_styles(), **names, **values}
    text = templates.get_template(template).render(page)
    return HTMLResponse(text, status_code=status_code, headers=HEADERS)


def on_nothing_there(request: Request, error: Exception) -> Response:
    """Answers a 404: browsers get a page, programs a problem document."""
    answer = on_http_error(request, error)
    try:
        form = choose(request.headers.get("accept"), (MEDIA_TYPE, "application/json", "text/html"))
    except HTTPException:
        return answer
    if form != "text/html" or request.url.path.startswith("/v1"):
        return answer
    text = f"there is nothing at {request.url.path[:200]}."
    return render("error.html", status_code=404, heading="Not found", text=text)


def _words(error: RequestValidationError) -> str:
    """The first parameter of an address that is not valid: its name, what is allowed, and what was sent."""
    found = parameter_entry(error.errors()[0])
    sent = "" if found["value"] is None else f", not {found['value']!r}"
    detail = found["detail"].removeprefix("this parameter ")
    return f"the parameter {found['parameter']} {detail}{sent}"


class PageRoute(APIRoute):
    """A route that shows errors as pages."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def handle_as_page(request: Request) -> Response:
            try:
                return await handle(request)
            except GradclinicError as error:
                return render("error.html", status_code=status_of(error), heading=error.title, text=str(error))
            except RequestValidationError as error:
                return render("error.html", status_code=422, heading="This address is not valid", text=_words(error))

        return handle_as_page


def page_router() -> APIRouter:
    """A router for pages; they are not in the OpenAPI document."""
    return APIRouter(include_in_schema=False, route_class=PageRoute)
