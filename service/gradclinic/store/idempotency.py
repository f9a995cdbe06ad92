"""A client's key makes one request create one thing, however often it is sent."""

from sqlalchemy import Connection, Table, select

from ..kernel.errors import Conflict
from . import tables as t
from .database import Database
from .records.created import Idempotency

KEYS = (t.idempotency_keys, t.prescription_keys, t.check_keys)
"""Every table of keys: a key that is in one of them is in no other."""


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
    """Bind a key to what this transaction creates; the id of what an earlier one created, where there is one.

    A transaction that has the key but has not committed is waited for.
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
    return Conflict(f"the idempotency key {idempotency.key!r} was used for a different request; choose a new key")
