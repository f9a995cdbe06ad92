"""Uploaded data sets: what is known of them, and their arrays."""

from typing import Any

from sqlalchemy import RowMapping, select

from ..errors import NotFound
from . import tables as t
from .database import Database
from .records import Created, DatasetRecord, Page
from .rows import known

_FACTS = [column for column in t.datasets.c if column.name != "content"]


class Datasets:
    """Data sets by their id, which follows from their content."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def create(self, content: bytes, **facts: Any) -> Created[DatasetRecord]:
        """Store a data set, once: the same content again is the data set of that time."""
        with self._database.write() as connection:
            statement = self._database.insert(t.datasets).values(
                content=content, created_at=self._database.now, **facts
            )
            added = connection.execute(
                statement.on_conflict_do_nothing(index_elements=["id"]).returning(t.datasets.c.id)
            )
            replayed = added.first() is None
            row = connection.execute(select(*_FACTS).where(t.datasets.c.id == facts["id"])).mappings().one()
        return Created(_record(row), replayed=replayed)

    def find(self, dataset_id: str) -> DatasetRecord | None:
        """What is known of a data set; None where there is none."""
        with self._database.read() as connection:
            row = connection.execute(select(*_FACTS).where(t.datasets.c.id == dataset_id)).mappings().first()
        return None if row is None else _record(row)

    def get(self, dataset_id: str) -> DatasetRecord:
        """What is known of a data set; raises NotFound."""
        found = self.find(dataset_id)
        if found is None:
            raise NotFound(f"there is no data set {dataset_id}")
        return found

    def page(self, *, after: str | None = None, limit: int = 50) -> Page[DatasetRecord]:
        """Data sets by their id."""
        query = select(*_FACTS).order_by(t.datasets.c.id).limit(limit + 1)
        if after is not None:
            query = query.where(t.datasets.c.id > after)
        with self._database.read() as connection:
            rows = connection.execute(query).mappings().all()
        found = [_record(row) for row in rows[:limit]]
        return Page(found, found[-1].id if len(rows) > limit else None)

    def content(self, dataset_id: str) -> bytes:
        """The arrays of a data set as an npz file; raises NotFound."""
        with self._database.read() as connection:
            found = connection.scalar(select(t.datasets.c.content).where(t.datasets.c.id == dataset_id))
        if found is None:
            raise NotFound(f"there is no data set {dataset_id}")
        return bytes(found)


def _record(row: RowMapping) -> DatasetRecord:
    return DatasetRecord(**(dict(row) | {"created_at": known(row["created_at"]), "shape": tuple(row["shape"])}))
