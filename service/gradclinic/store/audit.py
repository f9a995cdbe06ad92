"""The audit log: an entry for each change by a key or an operator, written in the transaction of the change."""

from sqlalchemy import Connection, delete, select

from . import tables as t
from .acting import present_act
from .database import Database
from .page_size import rows_of_page
from .records.audit import AuditEntry
from .records.page import Page
from .rows import known


class Audit:
    """Writes an entry in every transaction of an act, and reads the entries."""

    def __init__(self, database: Database) -> None:
        self._database = database
        database.before_commit = self._write

    def page(self, *, key_id: str | None = None, after: str | None = None, limit: int = 50) -> Page[AuditEntry]:
        """A page of entries, newest first, optionally those of one key."""
        entries, keys = t.audit_entries, t.api_keys
        query = (
            select(entries, keys.c.name.label("key_name"))
            .outerjoin_from(entries, keys, entries.c.key_id == keys.c.id)
            .order_by(entries.c.id.desc())
        )
        if key_id is not None:
            query = query.where(entries.c.key_id == key_id)
        if after is not None:
            query = query.where(entries.c.id < after)
        with self._database.read() as connection:
            rows, more = rows_of_page(connection, query, limit=limit)
        found = [AuditEntry(**{**row, "at": known(row["at"])}) for row in rows]
        return Page(found, found[-1].id if more else None)

    def forget(self, *, older_than_s: float) -> None:
        """Delete entries above a certain age."""
        entries = t.audit_entries
        with self._database.write() as connection:
            connection.execute(delete(entries).where(entries.c.at < self._database.now - older_than_s))

    def _write(self, connection: Connection) -> None:
        act = present_act()
        if act is None:
            return
        connection.execute(
            self._database.insert(t.audit_entries)
            .values(
                id=act.id,
                at=self._database.now,
                key_id=act.key_id,
                request_id=act.request_id,
                action=act.action,
                created=act.created,
            )
            .on_conflict_do_nothing(index_elements=["id"])
        )
