"""A PostgreSQL database as in operation: its owner, the service, is no superuser, so row-level security applies."""

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from sqlalchemy import make_url

from gradclinic.store import migrate

if TYPE_CHECKING:
    from ..conftest import PostgresDatabases


@contextmanager
def database_of_plain_role(postgres: "PostgresDatabases") -> Iterator[str]:
    """The URL of a migrated, empty database; it and its role are gone afterwards."""
    role, password = f"gradclinic_{os.getpid()}_{secrets.token_hex(4)}", secrets.token_hex(8)
    name = postgres.create()
    postgres._run(f"CREATE ROLE {role} LOGIN PASSWORD '{password}' NOSUPERUSER NOBYPASSRLS")
    postgres._run(f'ALTER DATABASE "{name}" OWNER TO {role}')
    url = make_url(postgres.url(name)).set(username=role, password=password).render_as_string(hide_password=False)
    try:
        migrate.upgrade(url)
        yield url
    finally:
        postgres.drop(name)
        postgres._run(f"DROP ROLE {role}")
