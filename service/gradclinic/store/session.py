"""Login sessions on the pages, started with an API key or by OpenID Connect.

They are stored instead of only signed, so that a logout ends them and several APIs need not share a secret.
"""

from collections.abc import Sequence
from dataclasses import asdict, replace

from sqlalchemy import RowMapping, delete, insert, select, update

from ..kernel.access import Grant, digest_of, grant_in, new_secret
from . import tables as t
from .database import Database
from .key import is_valid, to_key
from .records.key import Session


class Sessions:
    """Starts, finds and ends sessions. A session is known by a secret, of which only the digest is stored."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def start(self, key_id: str, *, lasts_s: float, grants: Sequence[Grant] = ()) -> str:
        """A new session's secret; removes sessions that have ended. Without grants, it may do what its key may do."""
        secret, now = new_secret(), self._database.now
        given = [asdict(grant) for grant in grants] or None
        with self._database.write() as connection:
            connection.execute(delete(t.sessions).where(t.sessions.c.expires_at <= now))
            connection.execute(
                insert(t.sessions).values(
                    digest=digest_of(secret), key_id=key_id, expires_at=now + lasts_s, grants=given
                )
            )
        return secret

    def find(self, secret: str) -> Session | None:
        """The session with this secret, while it and its key are valid."""
        sessions, now = t.sessions.c, self._database.now
        query = (
            select(t.api_keys, sessions.grants, sessions.project.label("chosen"))
            .join_from(t.sessions, t.api_keys, sessions.key_id == t.api_keys.c.id)
            .where(sessions.digest == digest_of(secret), sessions.expires_at > now, is_valid(self._database))
        )
        with self._database.read() as connection:
            row = connection.execute(query).mappings().first()
        return None if row is None else _session(row)

    def choose(self, secret: str, project: str) -> None:
        """Go on in another project, if the session may see it; in its first one otherwise."""
        with self._database.write() as connection:
            connection.execute(
                update(t.sessions).where(t.sessions.c.digest == digest_of(secret)).values(project=project)
            )

    def end(self, secret: str) -> None:
        """End a session, if it has not ended before."""
        with self._database.write() as connection:
            connection.execute(delete(t.sessions).where(t.sessions.c.digest == digest_of(secret)))


def _session(row: RowMapping) -> Session:
    key = to_key(row)
    grants = [Grant(**each) for each in row["grants"] or ()] or [Grant(key.project, key.scope)]
    now = grant_in(row["chosen"], grants)
    return Session(replace(key, project=now.project, scope=now.scope), grants)
