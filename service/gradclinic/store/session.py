"""Login sessions on the pages, started with an API key.

They are stored instead of only signed, so that a logout ends them and several APIs need not share a secret.
"""

from sqlalchemy import delete, insert, select

from ..kernel.access import digest_of, new_secret
from . import tables as t
from .database import Database
from .key import is_valid, to_key
from .records.key import Key


class Sessions:
    """Starts, finds and ends sessions. A session is known by a secret, of which only the digest is stored."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def start(self, key_id: str, *, lasts_s: float) -> str:
        """A new session's secret; removes sessions that have ended."""
        secret, now = new_secret(), self._database.now
        with self._database.write() as connection:
            connection.execute(delete(t.sessions).where(t.sessions.c.expires_at <= now))
            connection.execute(
                insert(t.sessions).values(digest=digest_of(secret), key_id=key_id, expires_at=now + lasts_s)
            )
        return secret

    def key_of(self, secret: str) -> Key | None:
        """The key that a session was started with, while both are valid."""
        sessions, now = t.sessions.c, self._database.now
        query = (
            select(t.api_keys)
            .join_from(t.sessions, t.api_keys, sessions.key_id == t.api_keys.c.id)
            .where(sessions.digest == digest_of(secret), sessions.expires_at > now, is_valid(self._database))
        )
        with self._database.read() as connection:
            row = connection.execute(query).mappings().first()
        return None if row is None else to_key(row)

    def end(self, secret: str) -> None:
        """End a session, if it has not ended before."""
        with self._database.write() as connection:
            connection.execute(delete(t.sessions).where(t.sessions.c.digest == digest_of(secret)))
