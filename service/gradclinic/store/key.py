"""Creates, checks, revokes and rotates API keys, and enters people who log in by OpenID Connect."""

from collections.abc import Mapping, Sequence
from hmac import compare_digest

import structlog
from sqlalchemy import Connection, RowMapping, case, insert, or_, select, update
from sqlalchemy.sql.elements import ColumnElement

from ..kernel.access import Grant, Scope, digest_of, new_secret
from ..kernel.errors import Conflict, NotFound, ServiceUnavailable
from ..kernel.project import DEFAULT, checked
from . import tables as t
from .acting import note_created
from .database import Database
from .identifiers import new_id
from .records.key import IssuedKey, Key
from .rows import known, moment

log = structlog.get_logger(__name__)

USE_NOTED_EVERY_S = 60.0
"""Minimum seconds between two updates of a key's last use."""


class Keys:
    """Reads and writes API keys."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def create(self, name: str, *, scope: Scope, project: str = DEFAULT, lasts_s: float | None = None) -> IssuedKey:
        """Create a key that expires after `lasts_s` seconds, or never; raises InvalidRequest for a bad project name."""
        checked(project)
        with self._database.write() as connection:
            return _create(connection, self._database, name, scope=scope, project=project, lasts_s=lasts_s)

    def all(self) -> Sequence[Key]:
        """All keys and people, oldest first, including those that are revoked or expired."""
        with self._database.read() as connection:
            rows = connection.execute(select(t.api_keys).order_by(t.api_keys.c.id)).mappings().all()
        return [to_key(row) for row in rows]

    def revoke(self, key_id: str) -> Key:
        """Revoke a key, or lock a person out, immediately: their sessions end, too. Raises NotFound."""
        keys = t.api_keys.c
        with self._database.write() as connection:
            connection.execute(
                update(t.api_keys)
                .where(keys.id == key_id, keys.revoked_at.is_(None))
                .values(revoked_at=self._database.now)
            )
            return _get(connection, key_id)

    def rotate(self, key_id: str, *, old_lasts_s: float) -> IssuedKey:
        """A new key like another one, in everything but its secret; the other one expires after `old_lasts_s` seconds.

        Raises NotFound, or Conflict if the old key is no longer valid, or is a person, who has no secret.
        """
        keys, ends = t.api_keys.c, self._database.now + old_lasts_s
        with self._database.write() as connection:
            old = _get(connection, key_id)
            if old.is_person:
                raise Conflict(f"{key_id} is a person, who has no key")
            replaced = connection.execute(
                update(t.api_keys)
                .where(keys.id == key_id, is_valid(self._database))
                .values(expires_at=_earlier(keys.expires_at, ends))
                .returning(keys.id)
            )
            if replaced.first() is None:
                raise Conflict(f"the key {key_id} is revoked or has expired; create a new one")
            lasts_s = None if old.expires_at is None else (old.expires_at - old.created_at).total_seconds()
            return _create(connection, self._database, old.name, scope=old.scope, project=old.project, lasts_s=lasts_s)

    def enter(self, subject: str, *, name: str, grant: Grant) -> Key | None:
        """The entry of a person who logs in, made at the first login; None if it was revoked.

        `subject` identifies the person. The name and what the person may do are those of this login.
        """
        keys, name = t.api_keys.c, name[:200]
        now: Mapping[str, object] = {"name": name, "scope": grant.scope, "project": checked(grant.project)}
        with self._database.write() as connection:
            connection.execute(
                self._database.insert(t.api_keys)
                .values(id=new_id("user"), subject=subject, digest="", created_at=self._database.now, **now)
                .on_conflict_do_nothing(index_elements=["subject"])
            )
            valid = keys.subject == subject, keys.revoked_at.is_(None)
            query = update(t.api_keys).where(*valid).values(**now).returning(keys.id)
            key_id = connection.execute(query).scalar()
            return None if key_id is None else _get(connection, key_id)

    def projects(self) -> Sequence[str]:
        """The projects of all keys and people, by name."""
        query = select(t.api_keys.c.project).distinct().order_by(t.api_keys.c.project)
        with self._database.read() as connection:
            return list(connection.execute(query).scalars())

    def authenticate(self, key_id: str, secret: str) -> Key | None:
        """The key with this id, if it is valid and the secret is its own."""
        query = select(t.api_keys).where(t.api_keys.c.id == key_id, is_valid(self._database))
        with self._database.read() as connection:
            row = connection.execute(query).mappings().first()
        expected = "" if row is None else str(row["digest"])
        if not compare_digest(expected, digest_of(secret)) or row is None:
            return None
        return to_key(row)

    def note_use(self, key_id: str) -> None:
        """Write that a key is used now, unless that was written less than a minute ago.

        If the database is busy, the next use is recorded instead.
        """
        keys, now = t.api_keys.c, self._database.now
        is_due = or_(keys.last_used_at.is_(None), keys.last_used_at <= now - USE_NOTED_EVERY_S)
        try:
            with self._database.write() as connection:
                connection.execute(update(t.api_keys).where(keys.id == key_id, is_due).values(last_used_at=now))
        except ServiceUnavailable:
            log.warning("use_of_key_not_noted", key=key_id)


def is_valid(database: Database) -> ColumnElement[bool]:
    """Whether a key is neither revoked nor expired."""
    keys = t.api_keys.c
    return keys.revoked_at.is_(None) & or_(keys.expires_at.is_(None), keys.expires_at > database.now)


def to_key(row: RowMapping) -> Key:
    """A row of `api_keys` as a record."""
    return Key(
        id=row["id"],
        name=row["name"],
        scope=row["scope"],
        project=row["project"],
        created_at=known(row["created_at"]),
        expires_at=moment(row["expires_at"]),
        revoked_at=moment(row["revoked_at"]),
        last_used_at=moment(row["last_used_at"]),
        is_person=row["subject"] is not None,
    )


def _create(
    connection: Connection, database: Database, name: str, *, scope: Scope, project: str, lasts_s: float | None
) -> IssuedKey:
    key_id, secret = new_id("key"), new_secret()
    now = connection.execute(select(database.now)).scalar_one()
    connection.execute(
        insert(t.api_keys).values(
            id=key_id,
            name=name,
            digest=digest_of(secret),
            scope=scope,
            project=project,
            created_at=now,
            expires_at=None if lasts_s is None else now + lasts_s,
        )
    )
    note_created(key_id)
    return IssuedKey(_get(connection, key_id), f"{key_id}.{secret}")


def _earlier(either: ColumnElement[float], other: ColumnElement[float]) -> ColumnElement[float]:
    """The earlier of two times; NULL is never."""
    return case((or_(either.is_(None), either > other), other), else_=either)


def _get(connection: Connection, key_id: str) -> Key:
    row = connection.execute(select(t.api_keys).where(t.api_keys.c.id == key_id)).mappings().first()
    if row is None:
        raise NotFound(f"there is no key {key_id}")
    return to_key(row)
