"""Commands that run the service or parts of it: serve, worker, reconciler, db upgrade."""

import os
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..kernel.errors import ServiceUnavailable, SetupFailed
from ..kernel.program import COMMAND
from .options import DataDir, Workers

if TYPE_CHECKING:
    from ..settings import Settings

database = typer.Typer(help="Manage the database.", no_args_is_help=True)

DatabaseUrl = Annotated[
    str | None,
    typer.Option(help="URL of the database.", show_default="GRADCLINIC_DATABASE_URL, else the data folder's"),
]


def settings_with(**changes: Any) -> "Settings":
    """The settings from the environment, with changes from the command line; raises SetupFailed."""
    from pydantic import ValidationError

    from ..settings import Settings

    try:
        settings = Settings(**{name: value for name, value in changes.items() if value is not None})
    except ValidationError as error:
        first = error.errors()[0]
        name = "GRADCLINIC_" + "_".join(str(part) for part in first["loc"]).upper()
        message = first["msg"].removeprefix("Input ").removeprefix("Value error, ")
        raise SetupFailed(f"{name}: {message} (got {first['input']!r})") from None
    _check_urls(settings)
    return settings


def _check_urls(settings: "Settings") -> None:
    from sqlalchemy import make_url
    from sqlalchemy.exc import ArgumentError

    try:
        backend = make_url(settings.database_url).get_backend_name()
    except ArgumentError:
        backend = ""
    if backend not in {"sqlite", "postgresql"}:
        raise SetupFailed(
            "GRADCLINIC_DATABASE_URL is not a SQLite or PostgreSQL URL: it must start with sqlite:/// or postgresql://"
        )
    if not settings.broker_url.startswith(("redis://", "rediss://", "unix://")):
        raise SetupFailed("GRADCLINIC_BROKER_URL is not a Redis or Valkey URL: it must start with redis://")
    try:
        _ = settings.broker
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "it is not text"
        raise SetupFailed(f"GRADCLINIC_BROKER_PASSWORD_FILE cannot be read: {reason}") from None


def serve(
    *,
    host: Annotated[str | None, typer.Option(help="Address to listen on.", show_default="127.0.0.1")] = None,
    port: Annotated[
        int | None, typer.Option(min=0, max=65_535, help="Port to listen on; 0 for any free port.", show_default="8000")
    ] = None,
    data_dir: DataDir = None,
    api_only: Annotated[
        bool, typer.Option("--api-only", help="Start only the API, for installations on several machines.")
    ] = False,
    workers: Workers = None,
) -> int:
    """Start the service: API, workers, queue and database. Ctrl-C stops it."""
    from ..embedded.folder import keep_private
    from ..logs import configure
    from ..use_cases.login.provider import check_settings

    keep_private()
    settings = settings_with(host=host, port=port, data_dir=data_dir)
    check_settings(settings)
    configure(settings)
    return _serve_api(settings) if api_only else _serve_all(settings, workers)


def _serve_all(settings: "Settings", workers: int | None) -> int:
    from ..embedded import Embedded, interrupted_by_signals

    with interrupted_by_signals():
        try:
            with Embedded(settings, workers=workers) as service:
                typer.echo(f"gradclinic is running at {service.url} (pages at /, documentation at /docs)")
                typer.echo(
                    f"Data is stored in {settings.data_dir}; logs are in {service.log_dir}. Press Ctrl-C to stop."
                )
                service.wait()
        except KeyboardInterrupt:
            typer.echo("gradclinic has stopped; unfinished runs are resumed at the next start")
    return 0


def _serve_api(settings: "Settings") -> int:
    import uvicorn

    from ..embedded import KEEP_ALIVE_S, PROTOCOL, listen
    from ..web import create_app

    app = create_app(settings)
    _check_schema(app.state.service.store)
    listening = listen(settings)
    address, port = listening.getsockname()[:2]
    typer.echo(f"The gradclinic API is listening on http://{address}:{port}")
    config = uvicorn.Config(
        app,
        http=PROTOCOL,
        log_config=None,
        log_level=settings.log_level,
        access_log=False,
        timeout_graceful_shutdown=5,
        timeout_keep_alive=KEEP_ALIVE_S,
    )
    uvicorn.Server(config).run(sockets=[listening])
    return 0


def _check_schema(store: Any) -> None:
    try:
        if not store.is_current():
            raise SetupFailed(f"the database is empty, or its schema is not up to date; run: {COMMAND} db upgrade")
    except ServiceUnavailable as error:
        typer.echo(f"the API is starting without its database: {error}", err=True)


def worker() -> int:
    """Train queued runs until SIGTERM. Start one worker per device. Settings come from GRADCLINIC_... variables."""
    return _become("gradclinic_workers", needs=("gradclinic_workers", "torch"))


def reconciler() -> int:
    """Monitor leases, the queue and deadlines until SIGTERM. Several reconcilers may run at the same time."""
    return _become("gradclinic.reconciler")


def _become(module: str, *, needs: tuple[str, ...] = ()) -> int:
    """Replace this process with `python -m module`, so that signals reach it directly."""
    from ..embedded.folder import keep_private

    keep_private()
    settings_with()
    for part in needs:
        if find_spec(part) is None:
            raise SetupFailed(f"{part} is not installed; install it with: pip install 'gradclinic[worker]'")
    sys.stdout.flush()
    os.execv(sys.executable, [sys.executable, "-m", module])  # noqa: S606  # our own module


@database.command("upgrade")
def upgrade(
    database_url: DatabaseUrl = None,
    data_dir: DataDir = None,
) -> int:
    """Upgrade the database to the newest schema."""
    from ..embedded.folder import PRIVATE, keep_private
    from ..store import migrate

    keep_private()
    settings = settings_with(database_url=database_url, data_dir=data_dir)
    url = settings.database_url
    if url.startswith("sqlite:///"):
        folder = Path(url.removeprefix("sqlite:///")).parent
        try:
            folder.mkdir(mode=PRIVATE, parents=True, exist_ok=True)
        except OSError as error:
            raise SetupFailed(f"the folder {folder} cannot be created: {error.strerror}") from None
    migrate.upgrade(url)
    typer.echo("the database schema is up to date")
    return 0
