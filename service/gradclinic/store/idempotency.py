"""A client's key makes one request create one thing, however often it is sent."""

from sqlalchemy import Connection, select

from ..errors import Conflict
from . import tables as t
from .database import Database
from .records import Idempotency


def take_key(
    connection: Connection,
    database: Database,
    idempotency: Idempotency,
    *,
    run_id: str | None = None,
    study_id: str | None = None,
    prescription_id: str | None = None,
) -> str | None:
    """Bind a key to what this transaction creates; the id of what an earlier one created, where there is one.

    A transaction that has the key but has not committed is waited for.
    """
    keys = t.idempotency_keys
    created = {"run_id": run_id, "study_id": study_id, "prescription_id": prescription_id}
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
    (kind,) = (name for name, value in created.items() if value is not None)
    found: str | None = getattr(earlier, kind)
    if found is None or earlier.fingerprint != idempotency.fingerprint:
        raise Conflict(f"the idempotency key {idempotency.key!r} was used for a different request; choose a new key")
    return found
