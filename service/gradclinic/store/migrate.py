"""Migrates a database to the latest schema, using the migrations in the checkout or the installed package."""

import sqlite3
import time
from functools import cache
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import make_url
from sqlalchemy.exc import DatabaseError

from ..kernel.errors import SetupFailed
from .database import Database

LOCK_TIMEOUT = "2s"
"""How long a migration waits for a lock on PostgreSQL; other users of the table wait behind it."""
LOCK_TRIES, LOCK_PAUSE_S = 30, 1.0
_LOCK_NOT_AVAILABLE = "55P03"  # PostgreSQL's code for it
_PACKAGE = Path(__file__).resolve().parents[1]


def folder() -> Path:
    """The folder of migrations."""
    for candidate in (_PACKAGE / "_migrations", _PACKAGE.parents[1] / "migrations"):
        if (candidate / "env.py").is_file():
            return candidate
    raise SetupFailed("the database migrations are missing from this installation; install gradclinic again")


def config(url: str) -> Config:
    """The Alembic configuration for a database."""
    made = Config()
    made.set_main_option("script_location", str(folder()))
    made.set_main_option("sqlalchemy.url", url.replace("%", "%%"))
    return made


def upgrade(url: str, revision: str = "head") -> None:
    """Migrate a database to a revision, by default the latest; raises SetupFailed if it cannot be used."""
    try:
        _upgrade(url, revision, tries=LOCK_TRIES)
    except (DatabaseError, sqlite3.Error) as error:
        reason = str(getattr(error, "orig", error)).strip().splitlines()[0]
        raise SetupFailed(f"the database {_shown(url)} cannot be used: {reason}") from error
    except CommandError as error:
        raise SetupFailed(
            f"the database {_shown(url)} was created by another version of gradclinic: {error}"
        ) from error


def _upgrade(url: str, revision: str, *, tries: int) -> None:
    while True:
        tries -= 1
        try:
            command.upgrade(config(url), revision)
        except DatabaseError as error:
            if getattr(error.orig, "sqlstate", None) != _LOCK_NOT_AVAILABLE or not tries:
                raise
            time.sleep(LOCK_PAUSE_S)  # completed steps are kept; the next try continues from there
        else:
            return


def downgrade(url: str, revision: str) -> None:
    """Downgrade a database to a revision; "base" removes everything."""
    command.downgrade(config(url), revision)


def is_current(database: Database) -> bool:
    """Whether a database has the latest schema of this version, or a newer one.

    An unknown revision belongs to a newer version. Migrations only add at first, so this version keeps working
    during an upgrade.
    """
    older, newest = _revisions()
    with database.within(None).read() as connection:
        found = MigrationContext.configure(connection).get_current_revision()
    return found is not None and (found == newest or found not in older)


@cache
def _revisions() -> tuple[frozenset[str], str | None]:
    """The earlier revisions, and the latest one; cached, because health checks ask often."""
    script = ScriptDirectory(str(folder()))
    newest = script.get_current_head()
    return frozenset(one.revision for one in script.walk_revisions()) - {newest}, newest


def _shown(url: str) -> str:
    return make_url(url).render_as_string(hide_password=True)
