"""Thins the statistics of runs that ended long ago, and later reduces them to what is known of the whole run.

| retention | statistics |
|---|---|
| `raw` | as recorded |
| `thinned` | a bounded number of steps of each (measurements/thinning.py) |
| `summary` | the same of those of the whole run, such as losses; none of layers |

Outcome, metrics, diagnosis and the summaries of layers stay. Runs that a baseline pins, that a check was compared with
or that a check trained are left raw: both sides of a check are judged by the same rules, which needs their records.
"""

import time
from collections.abc import Mapping
from itertools import groupby
from operator import attrgetter

import structlog
from sqlalchemy import ColumnElement, delete, exists, insert, or_, select, update

from ..diagnosis import Diagnosis
from ..kernel.codec import decode
from ..kernel.errors import DamagedData
from ..kernel.json import JsonObject
from ..kernel.status import Retention
from ..measurements.record import Outcome, Series
from ..measurements.statistics import STATISTICS
from ..measurements.thinning import thin
from . import tables as t
from .database import Database
from .merging import measure_runs, pack_rows
from .packing import COMPRESSED, pack, unpack
from .packs import stored_chunks

log = structlog.get_logger(__name__)

AT_ONCE = 20
"""Runs of a round."""
REDUCED_S = 2.0
"""Seconds of a round after which no other run is begun."""

_NEEDED = or_(
    exists().where(t.pinned_runs.c.run_id == t.runs.c.id),
    exists().where(t.check_runs.c.run_id == t.runs.c.id),
)


def reduce_old(database: Database, *, to: Retention, older_than_s: float) -> int:
    """Reduce some runs that ended longer ago, the oldest first; returns how many.

    Each is replaced in one transaction, if it still has what was read: whatever dies, and however many do it at once,
    a run has all of the one or all of the other.
    """
    runs = t.runs.c
    earlier: tuple[Retention, ...] = ("raw",) if to == "thinned" else ("raw", "thinned")
    found: list[tuple[str, Retention]] = []
    for before in earlier:
        due = (runs.retention == before, runs.ended_at < database.now - older_than_s, runs.stored_bytes.is_not(None))
        measured = or_(runs.metrics.is_not(None), runs.outcome.is_(None))  # an earlier version stored no metrics
        query = select(runs.id).where(*due, measured, ~_NEEDED).order_by(runs.ended_at).limit(AT_ONCE)
        with database.read() as connection:
            found += [(run_id, before) for run_id in connection.execute(query).scalars()]
    until, changed = time.monotonic() + REDUCED_S, 0
    for run_id, before in found[:AT_ONCE]:
        if time.monotonic() < until:
            changed += _reduce(database, run_id, before, to=to)
    return changed


def _reduce(database: Database, run_id: str, before: Retention, *, to: Retention) -> bool:
    """Replace the statistics of a run; False if somebody else did, or needs it now.

    They are read before: what has ended and is packed no longer changes, and SQLite has one writer at a time.
    """
    runs = t.runs.c
    with database.read() as connection:
        row = connection.execute(select(runs.retention, runs.diagnosis, runs.outcome).where(runs.id == run_id)).first()
        if row is None or row.retention != before:
            return False
        try:
            chunks = stored_chunks(connection, [run_id])
            stored = {name: unpack(list(own)) for name, own in groupby(chunks, key=attrgetter("statistic"))}
            steps = _steps_that_matter(row.diagnosis, row.outcome)
        except (DamagedData, ValueError):
            log.warning("damaged_run_not_reduced", run_id=run_id)
            stored = None
    kept = (
        []
        if stored is None
        else pack(run_id, _reduced(stored, steps, thinned=before == "thinned", to=to), codec=COMPRESSED)
    )
    own: ColumnElement[bool] = runs.id == run_id
    with database.write() as connection:
        held = select(runs.retention).where(own, ~_NEEDED, runs.stored_bytes.is_not(None)).with_for_update()
        if connection.execute(held).scalar() != before:
            return False
        if stored is not None:
            for table in (t.chunks, t.packs):
                connection.execute(delete(table).where(table.c.run_id == run_id))
            for values in pack_rows(run_id, kept):
                connection.execute(insert(t.packs).values(values))
        connection.execute(update(t.runs).where(own).values(retention=to))
    measure_runs(database, [run_id])
    return True


def _reduced(stored: Mapping[str, Series], steps: set[int], *, thinned: bool, to: Retention) -> dict[str, Series]:
    """What is left of the statistics; what is thinned already is not thinned again."""
    kept = {name: series for name, series in stored.items() if to == "thinned" or STATISTICS[name].per == "run"}
    return kept if thinned else {name: thin(series, around=steps) for name, series in kept.items()}


def _steps_that_matter(diagnosis: JsonObject | None, outcome: JsonObject | None) -> set[int]:
    """Where findings begin and end, where a number was not finite, and where the target was reached."""
    found: set[int | None] = set()
    if diagnosis is not None:
        found |= {step for each in decode(Diagnosis, diagnosis).findings for step in (each.first_step, each.last_step)}
    if outcome is not None:
        ended = decode(Outcome, outcome)
        found |= {ended.nonfinite_step, ended.steps_to_target}
    return {step for step in found if step is not None}
