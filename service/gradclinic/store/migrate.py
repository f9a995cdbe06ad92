"""Brings a database to the newest schema, from the migrations in a checkout or in the installed package."""

import sqlite3
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import make_url
from sqlalchemy.exc import DatabaseError

from ..errors import SetupFailed
from .database import Database

_PACKAGE = Path(__file__).resolve().parents[1]


def folder() -> Path:
    """Where the migrations are."""
    for candidate in (_PACKAGE / "_migrations", _PACKAGE.parents[1] / "migrations"):
        if (candidate / "env.py").is_file():
            return candidate
    raise SetupFailed("the database migrations are missing from this installation; install gradclinic again")


def config(url: str) -> Config:
    """Alembic's configuration for a database."""
    made = Config()
    made.set_main_option("script_location", str(folder()))
    made.set_main_option("sqlalchemy.url", url.replace("%", "%%"))
    return made


def upgrade(url: str, revision: str = "head") -> None:
    """Bring a database to a revision, the newest by default; raises SetupFailed where it cannot be used."""
    try:
        command.upgrade(config(url), revision)
    except (DatabaseError, sqlite3.Error) as error:
        reason = str(getattr(error, "orig", error)).strip().splitlines()[0]
        raise SetupFailed(f"the database {_shown(url)} cannot be used: {reason}") from error
    except CommandError as error:
        raise SetupFailed(f"the database {_shown(url)} was made by another version of gradclinic: {error}") from error


def downgrade(url: str, revision: str) -> None:
    """Take a database back to a revision; "base" leaves nothing."""
    command.downgrade(config(url), revision)


def is_current(database: Database) -> bool:
    """Whether a database has the newest schema."""
    newest = ScriptDirectory(str(folder())).get_current_head()
    with database.read() as connection:
        return MigrationContext.configure(connection).get_current_revision() == newest


def _shown(url: str) -> str:
    return make_url(url).render_as_string(hide_password=True)
