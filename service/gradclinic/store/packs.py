"""Reads and writes the statistics of runs: chunks, and packs of the compressed chunks of a run that has ended.

A row of a few thousand bytes leaves a part of its page in the database's file empty, and needs an entry in an index.
So a pack holds many chunks: `content` has the steps and values of each, one after the other, and `entries` says which.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any, NamedTuple

from pydantic import TypeAdapter, ValidationError
from sqlalchemy import ColumnElement, Connection, LargeBinary, Row, func, literal, or_, select, union_all

from ..kernel.errors import DamagedData
from . import tables as t
from .packing import COMPRESSED, Chunk


class Entry(NamedTuple):
    """A chunk in a pack."""

    statistic: str
    first_step: int
    last_step: int
    n: int
    places: int
    steps_bytes: int
    values_bytes: int


_ENTRIES = TypeAdapter(list[Entry])
_PACK = "pack"
"""In the column of the codec, says that a row is a pack, with its entries in the column of the statistic."""


@dataclass(frozen=True)
class Extent:
    """How much of a statistic is stored."""

    records: int
    first_step: int
    last_step: int
    places: int


def pack_row(run_id: str, number: int, chunks: Sequence[Chunk]) -> dict[str, object]:
    """The row of a pack of these compressed chunks."""
    entries = [
        Entry(
            chunk.statistic,
            chunk.first_step,
            chunk.last_step,
            chunk.n,
            chunk.places,
            len(chunk.steps),
            len(chunk.values),
        )
        for chunk in chunks
    ]
    content = b"".join(chain.from_iterable((chunk.steps, chunk.values) for chunk in chunks))
    return {"run_id": run_id, "number": number, "entries": _ENTRIES.dump_json(entries).decode(), "content": content}


def stored_chunks(
    connection: Connection,
    run_ids: Sequence[str],
    statistics: Sequence[str] | None = None,
    *,
    first_step: int | None = None,
    last_step: int | None = None,
) -> list[Chunk]:
    """What is stored of runs between two steps, both included, in order: all statistics, or these.

    One statement reads both tables, so that what is packed in the meantime is found once. Raises DamagedData, also for
    a pack whose entries are cut off, whatever is read.
    """
    chunks, packs = t.chunks.c, t.packs.c
    alone = select(t.chunks).where(chunks.run_id.in_(run_ids))
    zeros, nothing = [literal(0)] * 4, literal(b"", LargeBinary)
    columns = (packs.run_id, packs.entries, *zeros, literal(_PACK), nothing, packs.content)
    packed = select(*columns).where(packs.run_id.in_(run_ids))
    if statistics is not None:
        alone = alone.where(chunks.statistic.in_(statistics))
        packed = packed.where(or_(packs.entries.not_like("[[%]]"), *(_has(name) for name in statistics)))
    if first_step is not None:
        alone = alone.where(chunks.last_step >= first_step)
    if last_step is not None:
        alone = alone.where(chunks.first_step <= last_step)
    rows = connection.execute(union_all(alone, packed))
    found = chain.from_iterable(_chunks_of(row) for row in rows)
    wanted = (
        chunk
        for chunk in found
        if (statistics is None or chunk.statistic in statistics)
        and (first_step is None or chunk.last_step >= first_step)
        and (last_step is None or chunk.first_step <= last_step)
    )
    return sorted(wanted, key=lambda chunk: (chunk.run_id, chunk.statistic, chunk.first_step))


def extents_of(connection: Connection, run_id: str) -> dict[str, Extent]:
    """How much is stored of a run, by statistic."""
    chunks, packs = t.chunks.c, t.packs.c
    alone = select(chunks.statistic, chunks.n, chunks.first_step, chunks.last_step, chunks.places)
    packed = select(packs.entries, literal(-1), literal(0), literal(0), literal(0))
    query = union_all(alone.where(chunks.run_id == run_id), packed.where(packs.run_id == run_id))
    parts: dict[str, list[Extent]] = {}
    for name, *extent in connection.execute(query):
        entries = [(name, *extent)] if extent[0] >= 0 else map(_extent, _entries(run_id, name))
        for statistic, *numbers in entries:
            parts.setdefault(statistic, []).append(Extent(*numbers))
    return {name: _together(parts[name]) for name in sorted(parts)}


def packed_bytes(run_id: ColumnElement[str]) -> ColumnElement[int]:
    """How many bytes the packs of a run take, within a statement that has its id."""
    packs = t.packs.c
    size = func.coalesce(func.sum(func.length(packs.entries) + func.length(packs.content)), 0)
    return select(size).where(packs.run_id == run_id).correlate(t.runs).scalar_subquery()


def _has(statistic: str) -> ColumnElement[bool]:
    """Whether a pack has a statistic, for a name without quotation marks. SQLite overlooks upper and lower case."""
    return t.packs.c.entries.contains(f'["{statistic}",', autoescape=True)


def chunks_in(run_id: str, entries: str, content: bytes) -> Iterator[Chunk]:
    """The chunks of a pack; raises DamagedData."""
    at = 0
    for entry in _entries(run_id, entries):
        middle, end = at + entry.steps_bytes, at + entry.steps_bytes + entry.values_bytes
        yield Chunk(run_id, *entry[:5], COMPRESSED, content[at:middle], content[middle:end])
        at = end


def _chunks_of(row: Row[Any]) -> Iterable[Chunk]:
    if row.codec == _PACK:
        return chunks_in(row.run_id, entries=row.statistic, content=row[-1])
    return (Chunk(**row._mapping),)


def _entries(run_id: str, entries: str) -> list[Entry]:
    try:
        return _ENTRIES.validate_json(entries)
    except ValidationError:
        raise DamagedData(f"what is stored of the statistics of {run_id} is damaged") from None


def _extent(entry: Entry) -> tuple[str, int, int, int, int]:
    return entry.statistic, entry.n, entry.first_step, entry.last_step, entry.places


def _together(parts: Iterable[Extent]) -> Extent:
    parts = list(parts)
    return Extent(
        sum(part.records for part in parts),
        min(part.first_step for part in parts),
        max(part.last_step for part in parts),
        max(part.places for part in parts),
    )
