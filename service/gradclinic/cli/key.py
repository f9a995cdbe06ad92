"""Commands for API keys, on the service's own database: keys create, list, revoke, rotate and usage."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Annotated

import typer
from rich import box
from rich.table import Table

from ..kernel.access import KEY_VARIABLE, Scope
from ..kernel.amounts import bytes_in_words
from ..kernel.errors import SetupFailed
from ..kernel.program import COMMAND
from ..kernel.project import DEFAULT, MOST_CHARACTERS, is_project
from ..text.console import console_for, show
from ..text.numbers import minute
from .options import AsJson, DataDir, print_json
from .serve import DatabaseUrl, settings_with

if TYPE_CHECKING:
    from pathlib import Path

    from ..store import IssuedKey, Key, Store

DAY_S, HOUR_S = 86_400.0, 3600.0
MOST_DAYS = 36_500

KeyId = Annotated[str, typer.Argument(metavar="ID", help="Id of the key (the part before the dot).")]

app = typer.Typer(help="Manage API keys. These commands need access to the database.", no_args_is_help=True)


@app.command("create")
def create(
    name: Annotated[str, typer.Argument(metavar="NAME", help="The owner of the key, or the program that uses it.")],
    *,
    scope: Annotated[
        Scope,
        typer.Option(
            help="read; run (also submit, cancel); manage (also delete, pin, schedule); admin (also metrics, audit)."
        ),
    ] = "run",
    project: Annotated[
        str, typer.Option(help="The project whose resources the key reads and changes; a new name makes a new one.")
    ] = DEFAULT,
    days: Annotated[
        int | None, typer.Option(min=1, max=MOST_DAYS, help="Days until it expires.", show_default="never")
    ] = None,
    database_url: DatabaseUrl = None,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> int:
    """Create a key, and print it once. Only its digest is stored."""
    if not name.strip() or len(name) > 200 or not name.isprintable():
        raise typer.BadParameter("a name has 1 to 200 printable characters", param_hint="NAME")
    if not is_project(project):
        allowed = f"a project has 1 to {MOST_CHARACTERS} letters, digits, '.', '_', '-', with a letter or digit first"
        raise typer.BadParameter(allowed, param_hint="--project")
    with _store(database_url, data_dir) as store, _acting(f"keys create {name}"):
        issued = store.keys.create(name, scope=scope, project=project, lasts_s=None if days is None else days * DAY_S)
    return _show_once(issued, as_json=as_json)


@app.command("list")
def list_keys(*, database_url: DatabaseUrl = None, data_dir: DataDir = None, as_json: AsJson = False) -> int:
    """List all keys, without their secrets."""
    with _store(database_url, data_dir) as store:
        found = store.keys.all()
    if as_json:
        print_json([_document(key) for key in found])
        return 0
    if not found:
        typer.echo(f"There are no keys yet; create one with `{COMMAND} keys create NAME`.")
        return 0
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    for heading in ("key", "name", "project", "scope", "last used", "state"):
        table.add_column(heading)
    for key in found:
        table.add_row(key.id, key.name, key.project, key.scope, minute(key.last_used_at), _state(key))
    show(console_for(), table)
    return 0


@app.command("revoke")
def revoke(key_id: KeyId, *, database_url: DatabaseUrl = None, data_dir: DataDir = None) -> int:
    """Revoke a key immediately, and end all sessions that were started with it."""
    with _store(database_url, data_dir) as store, _acting(f"keys revoke {key_id}"):
        key = store.keys.revoke(key_id)
    typer.echo(f"{key.id} ({key.name}) is revoked.")
    return 0


@app.command("rotate")
def rotate(
    key_id: KeyId,
    *,
    keep_hours: Annotated[int, typer.Option(min=0, max=24 * 365, help="Hours for which the old key stays valid.")] = 24,
    database_url: DatabaseUrl = None,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> int:
    """Replace a key by a new one with the same scope and project; the old one expires later."""
    with _store(database_url, data_dir) as store, _acting(f"keys rotate {key_id}"):
        issued = store.keys.rotate(key_id, old_lasts_s=keep_hours * HOUR_S)
    if not as_json:
        typer.echo(f"{key_id} expires within {keep_hours} hours.", err=True)
    return _show_once(issued, as_json=as_json)


@app.command("usage")
def usage(*, database_url: DatabaseUrl = None, data_dir: DataDir = None, as_json: AsJson = False) -> int:
    """Show what each project has of its quota: runs that have not ended, data sets, and statistics."""
    with _store(database_url, data_dir) as store:
        projects = sorted({DEFAULT, *(key.project for key in store.keys.all())})
        found = {project: store.within(project).usage() for project in projects}
    if as_json:
        print_json([{"project": project, **vars(used)} for project, used in found.items()])
        return 0
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    for heading in ("project", "unfinished runs", "their operations", "data sets", "their size", "statistics"):
        table.add_column(heading)
    for project, used in found.items():
        sizes = (bytes_in_words(size) for size in (used.dataset_bytes, used.statistics_bytes))
        data, statistics = sizes
        table.add_row(project, f"{used.runs:,}", f"{used.flops:.1e}", f"{used.datasets:,}", data, statistics)
    show(console_for(), table)
    return 0


@contextmanager
def _store(database_url: str | None, data_dir: "Path | None") -> "Iterator[Store]":
    """The store of the service's database; raises SetupFailed if its schema is too old."""
    from ..embedded.folder import keep_private
    from ..store import Store

    keep_private()
    settings = settings_with(database_url=database_url, data_dir=data_dir)
    store = Store(settings.database_url)
    try:
        if not store.is_current():
            raise SetupFailed(f"the database is empty, or its schema is not up to date; run: {COMMAND} db upgrade")
        yield store
    finally:
        store.close()


def _acting(action: str) -> AbstractContextManager[None]:
    """The audit says that an operator did it."""
    from ..store import Act, acting

    return acting(Act(action, key_id=None))


def _show_once(issued: "IssuedKey", *, as_json: bool) -> int:
    """Print a new key: the key to standard output, and information about it to standard error."""
    if as_json:
        print_json({**_document(issued.key), "key": issued.text})
        return 0
    key = issued.key
    ending = "does not expire" if key.expires_at is None else f"expires {minute(key.expires_at)}"
    typer.echo(
        f"{key.id} ({key.name}), project {key.project}, scope {key.scope}, {ending}. "
        f"The key is not shown again; pass it in {KEY_VARIABLE}:",
        err=True,
    )
    typer.echo(issued.text)
    return 0


def _document(key: "Key") -> dict[str, str | None]:
    times = {name: getattr(key, name) for name in ("created_at", "expires_at", "revoked_at", "last_used_at")}
    shown = {name: None if time is None else time.isoformat() for name, time in times.items()}
    return {"id": key.id, "name": key.name, "scope": key.scope, "project": key.project, **shown}


def _state(key: "Key") -> str:
    if key.revoked_at is not None:
        return f"revoked {minute(key.revoked_at)}"
    if key.expires_at is None:
        return "valid"
    return f"{'expired' if key.expires_at <= datetime.now(timezone.utc) else 'expires'} {minute(key.expires_at)}"
