"""Merges, compresses and packs the chunks of a run that has ended: while it trains, each second adds one per statistic.

What ends a run calls it afterwards. A run whose chunks were not merged is read like any other; the reconciler packs it
later.
"""

import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

import structlog
from sqlalchemy import Connection, and_, delete, exists, func, insert, select, update

from ..kernel.errors import DamagedData, ServiceUnavailable
from . import tables as t
from .database import Database
from .packing import COMPRESSED, Chunk, pack, unpack
from .packs import pack_row, packed_bytes

log = structlog.get_logger(__name__)

MERGED_BYTES = 2 * 2**20
"""Largest size of a merged chunk before it is compressed. A range of steps is read from whole chunks."""
PACKED_BYTES = 2**18
"""Largest size of a pack of several merged chunks before they are compressed. Each is read as a whole."""
UNMEASURED = and_(t.runs.c.stored_bytes.is_(None), t.runs.c.ended_at.is_not(None))
"""Runs that have ended, and whose chunks are not packed; an index has these alone."""
GRACE_S = 30.0
"""Seconds that whatever ended a run has to pack its chunks itself."""
MEASURED_AT_ONCE = 500
PACKED_S = 2.0
"""Seconds of a round of the reconciler after which no other pack is begun."""


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

    @property
    def of_layers(self) -> bool:
        """Whether it has values for several layers, unlike losses and other curves."""
        return self.places > 1


def merge_chunks(database: Database, run_id: str) -> None:
    """Merge and pack the chunks of a run that has ended, in short transactions; an unreachable database is only logged.

    Whoever does the same at once waits for a transaction, and then finds nothing left of what it packed.
    """
    try:
        _pack_run(database, run_id)
    except ServiceUnavailable:
        log.warning("chunks_not_merged", run_id=run_id)


def pack_ended(database: Database) -> int:
    """Pack the chunks of runs whose end did not, as a killed process leaves them, the oldest first, for `PACKED_S`.

    Returns the number of runs that are packed now. A run that takes longer goes on in the next round. One whose chunks
    cannot be packed keeps them.
    """
    runs, chunks = t.runs.c, t.chunks.c
    recorded = exists().where(chunks.run_id == runs.id)
    query = select(runs.id, recorded).where(UNMEASURED, func.abs(database.now - runs.ended_at) > GRACE_S)
    with database.read() as connection:
        found = connection.execute(query.order_by(runs.id).limit(MEASURED_AT_ONCE)).all()
    if empty := [run_id for run_id, has_chunks in found if not has_chunks]:
        measure_runs(database, empty)
    packed, until = 0, time.monotonic() + PACKED_S
    for run_id, has_chunks in found:
        if has_chunks and time.monotonic() < until:
            packed += _pack_late(database, run_id, until=until)
    return packed


def _pack_late(database: Database, run_id: str, *, until: float) -> bool:
    try:
        return _pack_run(database, run_id, until=until)
    except ServiceUnavailable:
        raise
    except Exception:
        log.exception("chunks_not_merged", run_id=run_id)
        measure_runs(database, [run_id])  # so that it does not keep others from their turn
        return False


def _pack_run(database: Database, run_id: str, *, until: float | None = None) -> bool:
    """Pack what is left of a run, and write down its size then; False if the time was over before."""
    chunks = t.chunks.c
    columns = (chunks.statistic, chunks.first_step, chunks.last_step, chunks.n, chunks.places, chunks.codec)
    query = select(*columns).where(chunks.run_id == run_id).order_by(chunks.statistic, chunks.first_step)
    with database.read() as connection:
        stored = sorted((_Chunk(*row) for row in connection.execute(query)), key=lambda chunk: chunk.of_layers)
    for groups in _packs(_groups(stored)):
        if until is not None and time.monotonic() >= until:
            return False
        with database.write() as connection:
            _pack(connection, run_id, groups)
    measure_runs(database, [run_id])
    return True


def measure_runs(database: Database, run_ids: Sequence[str]) -> None:
    """Write down how many bytes the statistics of runs take that have ended."""
    chunks, runs = t.chunks.c, t.runs.c
    size = func.coalesce(func.sum(func.length(chunks.steps) + func.length(chunks["values"])), 0)
    taken = select(size).where(chunks.run_id == runs.id).correlate(t.runs).scalar_subquery()
    with database.write() as connection:
        connection.execute(
            update(t.runs)
            .where(runs.id.in_(run_ids), runs.ended_at.is_not(None))
            .values(stored_bytes=taken + packed_bytes(runs.id))
        )


def pack_rows(run_id: str, chunks: Sequence[Chunk]) -> Iterator[dict[str, object]]:
    """The rows of packs of these compressed chunks, for a run without any."""
    by_name = {chunk.statistic: chunk for chunk in chunks}
    sizes = (
        _Chunk(each.statistic, each.first_step, each.last_step, each.n, each.places, each.codec) for each in chunks
    )
    groups = ([each] for each in sorted(sizes, key=lambda chunk: chunk.of_layers))
    for number, together in enumerate(_packs(groups)):
        yield pack_row(run_id, number, [by_name[group[0].statistic] for group in together])


def _packs(groups: Iterable[list[_Chunk]]) -> Iterator[list[list[_Chunk]]]:
    """Groups that together have at most `PACKED_BYTES`, or one larger group.

    Curves are not packed with statistics of layers: lists and comparisons read the curves of many runs, and a pack is
    read as a whole.
    """
    together: list[list[_Chunk]] = []
    size = 0
    for group in groups:
        own = sum(chunk.bytes for chunk in group)
        if together and (size + own > PACKED_BYTES or group[0].of_layers != together[-1][0].of_layers):
            yield together
            together, size = [], 0
        together.append(group)
        size += own
    if together:
        yield together


def _groups(chunks: Sequence[_Chunk]) -> Iterator[list[_Chunk]]:
    """Neighbouring chunks that together have at most `MERGED_BYTES`."""
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


def _pack(connection: Connection, run_id: str, groups: Sequence[Sequence[_Chunk]]) -> None:
    """Replace the chunks of each group by one in a new pack; those of a group with a damaged one stay."""
    runs, packs = t.runs.c, t.packs.c
    ended = select(runs.id).where(runs.id == run_id, runs.ended_at.is_not(None)).with_for_update()
    if connection.execute(ended).first() is None:
        return
    merged = [chunk for group in groups for chunk in _merged(connection, run_id, group)]
    if merged:
        number = select(func.coalesce(func.max(packs.number) + 1, 0)).where(packs.run_id == run_id)
        row = pack_row(run_id, connection.execute(number).scalar_one(), merged)
        connection.execute(insert(t.packs).values(row))


def _merged(connection: Connection, run_id: str, group: Sequence[_Chunk]) -> list[Chunk]:
    """Take chunks out of their table as one; none if one is damaged, so that it is still named when it is read."""
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
        return []
    if content is None:
        return []
    connection.execute(delete(t.chunks).where(*those))
    return pack(run_id, {group[0].statistic: content}, codec=COMPRESSED)
