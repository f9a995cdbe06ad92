"""Merges and compresses the chunks of a run that has ended: while it trains, each second adds a row for each statistic.

What ends a run calls it afterwards. A run whose chunks were not merged is read like any other.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

import structlog
from sqlalchemy import Connection, delete, func, insert, select, update

from ..kernel.errors import DamagedData, ServiceUnavailable
from . import tables as t
from .database import Database
from .packing import COMPRESSED, RAW, pack, unpack

log = structlog.get_logger(__name__)

MERGED_BYTES = 2 * 2**20
"""Largest size of a merged chunk before it is compressed. A range of steps is read from whole chunks."""


@dataclass(frozen=True)
class _Chunk:
    """A stored chunk, without its content."""

    statistic: str
    first_step: int
    last_step: int
    n: int
    places: int
    codec: str

    @property
    def bytes(self) -> int:
        """The size of its content before compression."""
        return 4 * self.n * (1 + self.places)


def merge_chunks(database: Database, run_id: str) -> None:
    """Merge the chunks of a run that has ended, in short transactions; an unreachable database is only logged."""
    chunks = t.chunks.c
    columns = (chunks.statistic, chunks.first_step, chunks.last_step, chunks.n, chunks.places, chunks.codec)
    query = select(*columns).where(chunks.run_id == run_id).order_by(chunks.statistic, chunks.first_step)
    try:
        with database.read() as connection:
            stored = [_Chunk(*row) for row in connection.execute(query)]
        for group in _groups(stored):
            with database.write() as connection:
                _merge(connection, run_id, group)
        measure_runs(database, [run_id])
    except ServiceUnavailable:
        log.warning("chunks_not_merged", run_id=run_id)


def measure_runs(database: Database, run_ids: Sequence[str]) -> None:
    """Write down how many bytes the statistics of runs take that have ended."""
    chunks, runs = t.chunks.c, t.runs.c
    size = func.coalesce(func.sum(func.length(chunks.steps) + func.length(chunks["values"])), 0)
    taken = select(size).where(chunks.run_id == runs.id).correlate(t.runs).scalar_subquery()
    with database.write() as connection:
        connection.execute(
            update(t.runs).where(runs.id.in_(run_ids), runs.ended_at.is_not(None)).values(stored_bytes=taken)
        )


def _groups(chunks: Sequence[_Chunk]) -> Iterator[list[_Chunk]]:
    """Neighbouring chunks that together have at most `MERGED_BYTES`; of those that stand alone, the raw ones."""
    for group in _neighbours(chunks):
        if len(group) > 1 or group[0].codec == RAW:
            yield group


def _neighbours(chunks: Sequence[_Chunk]) -> Iterator[list[_Chunk]]:
    for _, own in groupby(chunks, key=lambda chunk: (chunk.statistic, chunk.places, chunk.codec)):
        group: list[_Chunk] = []
        size = 0
        for chunk in own:
            if group and (size + chunk.bytes > MERGED_BYTES or group[-1].last_step >= chunk.first_step):
                yield group
                group, size = [], 0
            group.append(chunk)
            size += chunk.bytes
        yield group


def _merge(connection: Connection, run_id: str, group: Sequence[_Chunk]) -> None:
    """Replace chunks by one with their content; none if one is damaged, so that it is still named when it is read."""
    chunks = t.chunks.c
    those = (
        chunks.run_id == run_id,
        chunks.statistic == group[0].statistic,
        chunks.first_step.between(group[0].first_step, group[-1].first_step),
    )
    rows = connection.execute(select(t.chunks).where(*those).order_by(chunks.first_step)).all()
    try:
        content = unpack(rows) if len(rows) == len(group) else None
    except DamagedData:
        return
    if content is not None:
        connection.execute(delete(t.chunks).where(*those))
        connection.execute(insert(t.chunks), pack(run_id, {group[0].statistic: content}, codec=COMPRESSED))
