"""Idempotency keys: a request with a key creates its resource once, however often it is sent."""

from sqlalchemy import Connection, Table, select

from ..kernel.errors import Conflict
from . import tables as t
from .database import Database
from .records.created import Idempotency

KEYS = (t.idempotency_keys, t.prescription_keys, t.check_keys)
"""All tables of keys; each key is in at most one of them."""


def take_key(
    connection: Connection,
    database: Database,
    idempotency: Idempotency,
    *,
    run_id: str | None = None,
    study_id: str | None = None,
    prescription_id: str | None = None,
    check_id: str | None = None,
) -> str | None:
    """Bind a key to the resource this transaction creates; returns the id of an earlier resource if there is one.

    Waits for a transaction that uses the key and has not committed yet.
    """
    if prescription_id is not None:
        keys, created = t.prescription_keys, {"prescription_id": prescription_id}
    elif check_id is not None:
        keys, created = t.check_keys, {"check_id": check_id}
    else:
        keys = t.idempotency_keys
        created = {"run_id": run_id} if run_id is not None else {"study_id": str(study_id)}
    if any(_has(connection, others, idempotency.key) for others in KEYS if others is not keys):
        raise _conflict(idempotency)
    inserted = connection.execute(
        database.insert(keys)
        .values(
            key=idempotency.key,
            fingerprint=idempotency.fingerprint,
            created_at=database.now,
            **created,
        )
        .on_conflict_do_nothing()
        .returning(keys.c.key)
    ).first()
    if inserted is not None:
        return None
    earlier = connection.execute(select(keys).where(keys.c.key == idempotency.key)).one()
    (kind,) = created
    found: str | None = getattr(earlier, kind)
    if found is None or earlier.fingerprint != idempotency.fingerprint:
        raise _conflict(idempotency)
    return found


def _has(connection: Connection, keys: Table, key: str) -> bool:
    return connection.execute(select(keys.c.key).where(keys.c.key == key)).first() is not None


def _conflict(idempotency: Idempotency) -> Conflict:
    return Conflict(
        f"the idempotency key {idempotency.key!r} was already used for a different request; choose a new key"
    )
