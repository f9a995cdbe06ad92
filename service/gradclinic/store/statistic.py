"""Recorded statistics, as series and complete records."""

from collections.abc import Mapping, Sequence
from itertools import groupby
from operator import attrgetter
from typing import TypeVar

import numpy as np
from pydantic import ValidationError
from sqlalchemy import Connection, select

from ..kernel.codec import decode
from ..kernel.errors import DamagedData, NotFound
from ..kernel.json import JsonObject
from ..measurements.record import Layout, Outcome, RunRecord, Series
from ..measurements.statistics import STATISTICS
from . import tables as t
from .database import Database
from .identifiers import not_found
from .layout import LAYOUT, RUNS
from .packing import unpack
from .packs import Extent, extents_of, stored_chunks

Stored = TypeVar("Stored")


class Statistics:
    """Reads recorded statistics exactly as measured."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def series(
        self, run_id: str, statistic: str, *, first_step: int | None = None, last_step: int | None = None
    ) -> Series:
        """One statistic of one run, including both steps; empty if nothing was recorded; raises NotFound."""
        return self.series_of([run_id], statistic, first_step=first_step, last_step=last_step)[run_id]

    def series_of(
        self, run_ids: Sequence[str], statistic: str, *, first_step: int | None = None, last_step: int | None = None
    ) -> dict[str, Series]:
        """The same statistic of several runs."""
        with self._database.read() as connection:
            layouts = _layouts(connection, run_ids)
            found = _series(connection, run_ids, [statistic], first_step, last_step)
        empty = {run_id: _empty(statistic, layouts[run_id]) for run_id in run_ids if not found[run_id]}
        return {run_id: empty[run_id] if run_id in empty else found[run_id][statistic] for run_id in run_ids}

    def series_by_run(
        self,
        run_ids: Sequence[str],
        statistics: Sequence[str],
        *,
        first_step: int | None = None,
        last_step: int | None = None,
    ) -> dict[str, dict[str, Series]]:
        """Several statistics of several runs in one query; each run has those that it recorded in these steps."""
        with self._database.read() as connection:
            return _series(connection, run_ids, statistics, first_step, last_step)

    def extents(self, run_id: str) -> dict[str, Extent]:
        """How much is stored of a run, by statistic."""
        with self._database.read() as connection:
            return extents_of(connection, run_id)

    def record(self, run_id: str) -> RunRecord:
        """Everything a run has recorded so far; raises NotFound if nothing was recorded."""
        runs = t.runs.c
        with self._database.read() as connection:
            row = connection.execute(
                select(LAYOUT.label("layout"), runs.outcome, runs.environment, runs.step)
                .select_from(RUNS)
                .where(runs.id == run_id)
            ).one_or_none()
            if row is None:
                raise not_found("run", run_id)
            if row.layout is None:
                raise NotFound(f"run {run_id!r} has not recorded anything yet")
            stored = stored_chunks(connection, [run_id])
        series = {name: unpack(list(own)) for name, own in groupby(stored, key=attrgetter("statistic"))}
        return RunRecord.of(
            _layout(row.layout),
            series,
            outcome=None if row.outcome is None else _decoded(Outcome, row.outcome),
            environment=row.environment,
            steps_done=row.step,
        )


def _layout(document: JsonObject) -> Layout:
    return _decoded(Layout, document)


def _decoded(kind: type[Stored], document: JsonObject) -> Stored:
    try:
        return decode(kind, document)
    except ValidationError:
        raise DamagedData(f"the {kind.__name__.lower()} that is stored of the run is damaged") from None


def _layouts(connection: Connection, run_ids: Sequence[str]) -> Mapping[str, JsonObject | None]:
    runs = t.runs.c
    query = select(runs.id, LAYOUT.label("layout")).select_from(RUNS).where(runs.id.in_(run_ids))
    rows = connection.execute(query).all()
    found = {row.id: row.layout for row in rows}
    for run_id in run_ids:
        if run_id not in found:
            raise not_found("run", run_id)
    return found


def _series(
    connection: Connection,
    run_ids: Sequence[str],
    statistics: Sequence[str],
    first_step: int | None,
    last_step: int | None,
) -> dict[str, dict[str, Series]]:
    stored = stored_chunks(connection, run_ids, statistics, first_step=first_step, last_step=last_step)
    found: dict[str, dict[str, Series]] = {run_id: {} for run_id in run_ids}
    for (run_id, name), own in groupby(stored, key=attrgetter("run_id", "statistic")):
        found[run_id][name] = _between(unpack(list(own)), first_step, last_step)
    return found


def _empty(statistic: str, layout: JsonObject | None) -> Series:
    places = 1
    if statistic in STATISTICS and STATISTICS[statistic].per != "run":
        places = 0 if layout is None else len(_layout(layout).columns(statistic))
    return Series.empty(places)


def _between(series: Series, first_step: int | None, last_step: int | None) -> Series:
    kept = np.ones(len(series), bool)
    if first_step is not None:
        kept &= series.steps >= first_step
    if last_step is not None:
        kept &= series.steps <= last_step
    return series if kept.all() else Series(series.steps[kept], series.values[kept])
