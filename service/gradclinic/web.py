"""The application: the API and the pages, one error handler, request ids.

    app = create_app()                  # by the settings of this process (GRADCLINIC_...)
    app = create_app(settings)          # by these
    app.state.service                   # what pages and routes use: settings, store, queue

This process never imports torch.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import PackageNotFoundError, version

from fastapi import Depends, FastAPI
from fastapi.middleware.cors import CORSMiddleware
from limits import parse

from .api import audit, catalogue, health, installation
from .api import baseline as baselines
from .api import check as checks
from .api import claim as claims
from .api import comparison as comparisons
from .api import dataset as datasets
from .api import diagnosis as diagnoses
from .api import event as events
from .api import experiment as experiments
from .api import prescription as prescriptions
from .api import recording as recordings
from .api import run as runs
from .api import schedule as schedules
from .api import statistic as statistics
from .api import study as studies
from .api import webhook as webhooks
from .api.http.access import LOGIN, LOGOUT, MOST_LOGIN_BYTES, SWITCH, Access
from .api.http.body_limit import BodyLimit
from .api.http.busy import Busy
from .api.http.compression import Compression
from .api.http.conditional import install_entity_tags
from .api.http.connection import allow_many_connections
from .api.http.cross_site import SameSite
from .api.http.head import HeadAsGet
from .api.http.host import KnownHost
from .api.http.known_parameters import only_known_parameters
from .api.http.memory import returning_memory
from .api.http.openapi import document_of, operation_id
from .api.http.plain_json import PlainJSON
from .api.http.problems import install
from .api.http.rate import RateLimit, Rates
from .api.http.request_log import RequestLog
from .api.http.request_times import RequestTimes
from .api.http.telemetry import telemetry
from .logs import configure
from .settings import Settings, get_settings
from .use_cases.service import Service

DESCRIPTION = """
A training-diagnostics service. Post the spec of a network that will not train, and get back what is wrong, in which
layers, since which step, how sure, and which remedy cures it, tried side by side on the same data and seeds.

Errors are RFC 9457 problem documents. NaN and infinity are the strings `"NaN"`, `"Infinity"`, `"-Infinity"`.
"""

TAGS = [
    {"name": "experiments", "description": "Check an experiment without training it."},
    {"name": "runs", "description": "Single trainings."},
    {"name": "statistics", "description": "What runs recorded, layer by layer, step by step."},
    {"name": "diagnosis", "description": "What is wrong with a run."},
    {"name": "studies", "description": "Remedies tried side by side, paired by seed."},
    {"name": "prescriptions", "description": "The search for a cure, confirmed against a random control."},
    {"name": "regression", "description": "Baselines, new results checked against them, and schedules."},
    {
        "name": "alerts",
        "description": "Webhooks, which are told when a check fails, runs wait, or a recorded run is sick.",
    },
    {"name": "recordings", "description": "Runs that your own program trains, diagnosed like any other."},
    {"name": "claims", "description": "Common advice, and what measurement says of it."},
    {"name": "comparisons", "description": "Any runs against each other."},
    {"name": "events", "description": "Follow runs and studies."},
    {"name": "datasets", "description": "Your own data."},
    {"name": "figures", "description": "What the pages draw, as Plotly JSON, PNG or SVG."},
    {"name": "catalogue", "description": "Everything that a request can name."},
    {"name": "operation", "description": "Health, and who changed what."},
]

# What a page of an allowed origin may send, and read in an answer.
CORS_METHODS = ("DELETE", "GET", "HEAD", "PATCH", "POST", "PUT")
CORS_REQUEST_HEADERS = (
    "Authorization",
    "Content-Type",
    "Idempotency-Key",
    "If-None-Match",
    "Last-Event-ID",
    "Prefer",
    "X-Project",
    "X-Request-ID",
)
CORS_ANSWER_HEADERS = (
    "ETag",
    "Link",
    "Location",
    "Preference-Applied",
    "RateLimit-Limit",
    "RateLimit-Remaining",
    "RateLimit-Reset",
    "Retry-After",
    "WWW-Authenticate",
    "X-Request-ID",
)

ROUTERS = (
    experiments.router,
    runs.router,
    statistics.router,
    diagnoses.router,
    studies.router,
    prescriptions.router,
    baselines.router,
    checks.router,
    schedules.router,
    webhooks.router,
    recordings.router,
    claims.router,
    comparisons.router,
    events.router,
    datasets.router,
    catalogue.router,
    audit.router,
    health.router,
    installation.router,
)


def create_app(settings: Settings | None = None) -> FastAPI:
    """The application, with its own connections, which are closed when it shuts down."""
    from .pages.mounting import mount as mount_pages  # the pages use parts of this package

    chosen = settings or get_settings()
    configure(chosen)
    service = Service.of(chosen)
    rates = Rates(parse(chosen.rate_limit), broker=chosen.broker) if chosen.rate_limit else None

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        allow_many_connections()
        async with returning_memory():
            yield
        if rates is not None:
            await rates.close()
        service.close()

    app = FastAPI(
        title="gradclinic",
        version=_version(),
        summary="Names what is wrong with a network's gradients, and measures which remedies cure it.",
        description=DESCRIPTION,
        openapi_tags=TAGS,
        lifespan=lifespan,
        default_response_class=PlainJSON,
        redirect_slashes=False,
        telemetry=telemetry(),
        dependencies=[Depends(only_known_parameters)],
        docs_url=None,  # FastAPI's own pages come from another host; the dashboard has them from here
        redoc_url=None,
        generate_unique_id_function=operation_id,
        separate_input_output_schemas=False,  # an experiment is one thing, sent or answered
    )
    app.state.service = service
    app.state.metrics = installation.registry_of(service)
    install(app)
    for router in ROUTERS:
        app.include_router(router)
    mount_pages(app)
    requires_keys = service.settings.access == "required"
    app.openapi = document_of(app, requires_keys=requires_keys)  # type: ignore[method-assign]
    install_entity_tags(app)
    _wrap(app, service, rates, requires_keys=requires_keys)
    return app


def _wrap(app: FastAPI, service: Service, rates: Rates | None, *, requires_keys: bool) -> None:
    """Put what every request passes around the routes; it passes the last one first."""
    settings = service.settings
    app.add_middleware(
        BodyLimit,
        most_bytes=settings.max_request_bytes,
        exceptions={
            datasets.PATH: settings.max_dataset_bytes,
            **dict.fromkeys((LOGIN, LOGOUT, SWITCH), MOST_LOGIN_BYTES),
        },
    )
    if rates is not None:
        app.add_middleware(RateLimit, rates=rates)
    if requires_keys:
        app.add_middleware(Access, store=service.store, rates=rates)
    app.add_middleware(Busy)
    app.add_middleware(KnownHost, names=[settings.host, *_listed(settings.allowed_hosts)])
    origins = _listed(settings.cors_origins)
    app.add_middleware(SameSite, allowed_origins=origins)
    if origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=origins,
            allow_methods=CORS_METHODS,
            allow_headers=CORS_REQUEST_HEADERS,
            expose_headers=CORS_ANSWER_HEADERS,
        )
    app.add_middleware(Compression)
    app.add_middleware(HeadAsGet)
    app.add_middleware(RequestLog)
    app.add_middleware(RequestTimes, registry=app.state.metrics)


def _listed(setting: str) -> list[str]:
    """The items of a comma-separated setting."""
    return [item.strip() for item in setting.split(",") if item.strip()]


def _version() -> str:
    try:
        return version("gradclinic")
    except PackageNotFoundError:
        return "0+unknown"
