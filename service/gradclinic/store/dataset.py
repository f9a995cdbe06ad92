"""Uploaded data sets: their metadata and arrays."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import RowMapping, delete, func, insert, select

from ..kernel.errors import Conflict, NotFound
from . import tables as t
from .acting import note_created
from .damage import readable, whole
from .database import Database
from .dataset_uses import runs_by_dataset, who_needs
from .page_size import rows_of_page
from .quota import refuse_too_much_data
from .records.created import Created
from .records.dataset import DatasetRecord, DeletedDataset
from .records.page import Page
from .rows import known

_SIZE = func.length(t.datasets.c.content).label("bytes")
_FACTS = [*(column for column in t.datasets.c if column.name not in ("content", "project")), _SIZE]
_KEPT = ("id", "task", "rows", "shape", "outputs")
_COPIED = (*_KEPT, "project")


class Datasets:
    """Reads and writes data sets by id, which is derived from their content."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def create(self, content: bytes, **facts: Any) -> Created[DatasetRecord]:
        """Store a data set; the same content again returns the existing one."""
        with self._database.write() as connection:
            statement = self._database.insert(t.datasets).values(
                content=content, created_at=self._database.now, **facts
            )
            added = connection.execute(
                statement.on_conflict_do_nothing(index_elements=["id"]).returning(t.datasets.c.id)
            )
            replayed = added.first() is None
            if not replayed:
                refuse_too_much_data(connection, self._database)
                note_created(f"/v1/datasets/{facts['id']}")
            connection.execute(delete(t.deleted_datasets).where(t.deleted_datasets.c.id == facts["id"]))
            row = connection.execute(select(*_FACTS).where(t.datasets.c.id == facts["id"])).mappings().one()
        return Created(_record(row), replayed=replayed)

    def find(self, dataset_id: str) -> DatasetRecord | None:
        """The metadata of a data set, or None."""
        with self._database.read() as connection:
            row = connection.execute(select(*_FACTS).where(t.datasets.c.id == dataset_id)).mappings().first()
        return None if row is None else _record(row)

    def get(self, dataset_id: str) -> DatasetRecord:
        """The metadata of a data set; raises NotFound."""
        found = self.find(dataset_id)
        if found is None:
            raise NotFound(f"there is no data set {dataset_id}")
        return found

    def find_deleted(self, dataset_id: str) -> DeletedDataset | None:
        """The remaining metadata of a deleted data set, or None."""
        column = t.deleted_datasets.c
        with self._database.read() as connection:
            row = connection.execute(select(t.deleted_datasets).where(column.id == dataset_id)).mappings().first()
        return (
            None
            if row is None
            else whole(
                "data set",
                dataset_id,
                lambda: DeletedDataset(**{name: row[name] for name in _KEPT} | {"shape": tuple(row["shape"])}),
            )
        )

    def runs_by_dataset(self, dataset_ids: Sequence[str]) -> dict[str, int]:
        """Number of runs on each data set, including queued ones."""
        with self._database.read() as connection:
            return runs_by_dataset(connection, self._database, dataset_ids)

    def delete(self, dataset_id: str) -> None:
        """Delete a data set except the metadata that its runs need; raises Conflict while it is in use."""
        column = t.datasets.c
        copied = [column[name] for name in _COPIED]
        with self._database.write() as connection:
            # Lock its row first, so that this and the creation of a run on it wait for each other.
            if connection.execute(select(column.id).where(column.id == dataset_id).with_for_update()).first() is None:
                raise NotFound(f"there is no data set {dataset_id}")
            needed = who_needs(connection, self._database, dataset_id)
            if needed is not None:
                raise Conflict(f"the data set cannot be deleted: {needed}")
            facts = select(*copied, self._database.now).where(column.id == dataset_id)
            connection.execute(insert(t.deleted_datasets).from_select([*_COPIED, "deleted_at"], facts))
            connection.execute(delete(t.datasets).where(column.id == dataset_id))

    def page(self, *, after: str | None = None, limit: int = 50) -> Page[DatasetRecord]:
        """A page of data sets by id."""
        query = select(*_FACTS).order_by(t.datasets.c.id)
        if after is not None:
            query = query.where(t.datasets.c.id > after)
        with self._database.read() as connection:
            rows, more = rows_of_page(connection, query, limit=limit)
        return Page(readable(rows, _record), rows[-1]["id"] if more else None)

    def content(self, dataset_id: str) -> bytes:
        """The arrays of a data set as an npz file; raises NotFound."""
        with self._database.read() as connection:
            found = connection.scalar(select(t.datasets.c.content).where(t.datasets.c.id == dataset_id))
        if found is None:
            raise NotFound(f"there is no data set {dataset_id}")
        return bytes(found)


def _record(row: RowMapping) -> DatasetRecord:
    return whole(
        "data set",
        row["id"],
        lambda: DatasetRecord(**(dict(row) | {"created_at": known(row["created_at"]), "shape": tuple(row["shape"])})),
    )
