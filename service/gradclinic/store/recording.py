"""Runs recorded from an external program: numbered windows instead of a worker's lease, with a silence timeout.

Each window is stored once, in order, and only while the run is running: every write names the expected number.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import Connection, RowMapping, and_, insert, select, update

from ..diagnosis import Diagnosis
from ..kernel.errors import Conflict, NotFound
from ..kernel.json import JsonObject
from ..kernel.status import RunSource, RunStatus
from ..measurements.record import Layout, RunRecord, Series
from . import tables as t
from .acting import note_created
from .alert import raise_alert
from .alert_about import of_recording
from .database import Database
from .idempotency import take_key
from .identifiers import new_id
from .layout import layout_values
from .merging import merge_chunks
from .packing import pack
from .quota import refuse_too_many_runs, refuse_too_many_statistics
from .records.created import Created, Idempotency
from .records.run import NewRun, Reason, Run
from .rows import RUN, change_status, insert_runs, to_run
from .run import cancel_recorded
from .summaries import ending_rows, ending_values

BATCH = 100


@dataclass(frozen=True)
class Recording:
    """How much of its run a program has sent."""

    run_id: str
    declared: JsonObject
    """The declaration as posted."""
    windows: int
    """Number of accepted windows, and so the number of the next one."""
    fingerprint: str | None
    """Digest of the last window."""
    stored_bytes: int


@dataclass(frozen=True)
class Place:
    """The study that a recorded run belongs to, and its arm there."""

    study_id: str
    arm: str


AGAIN = Reason("recorded_again", "its program trains this arm and seed again")


class Recordings:
    """Reads and writes runs recorded from external programs."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def create(
        self,
        new: NewRun,
        *,
        layout: Layout,
        environment: JsonObject,
        declared: JsonObject,
        silence_s: float,
        place: Place | None = None,
        idempotency: Idempotency | None = None,
    ) -> Created[Run]:
        """Store a running run; a repeated idempotency key returns the earlier one.

        Of a study, a run of the same arm and seed that did not succeed leaves the study, and ends if it is running.
        Raises NotFound for an unknown study, and Conflict if the study does not expect the run.
        """
        run_id = new_id("run")
        with self._database.write() as connection:
            earlier = None
            with connection.begin_nested() as savepoint:
                if place is not None:
                    self._make_room(connection, place, seed=new.seed)
                self._insert(
                    connection,
                    run_id,
                    new,
                    study_id=None if place is None else place.study_id,
                    layout=layout,
                    environment=environment,
                    declared=declared,
                    silence_s=silence_s,
                )
                if idempotency is not None:
                    earlier = take_key(connection, self._database, idempotency, run_id=run_id)
                    if earlier is not None:
                        savepoint.rollback()
            if earlier is None:
                refuse_too_many_runs(connection, self._database)
                note_created(f"/v1/runs/{run_id}")
            row = connection.execute(RUN.where(t.runs.c.id == (earlier or run_id))).mappings().one()
        return Created(to_run(row), replayed=earlier is not None)

    def get(self, run_id: str) -> Recording:
        """What was sent of a run; raises NotFound for a run that is not recorded from an external program."""
        with self._database.read() as connection:
            return _get(connection, run_id)

    def append(
        self,
        run_id: str,
        *,
        window: int,
        step: int,
        series: Mapping[str, Series],
        fingerprint: str,
        stored_bytes: int,
        silence_s: float,
    ) -> bool:
        """Store the next window and reset the silence timeout; False if the window is already stored.

        Raises Conflict for a window out of order, for other content under the same number, and if the run has ended.
        """
        recordings, runs = t.recordings.c, t.runs.c
        with self._database.write() as connection:
            if _is_repeated(_get(connection, run_id), window=window, fingerprint=fingerprint):
                return False
            moved = connection.execute(
                update(t.runs)
                .where(runs.id == run_id, runs.status == "running", runs.origin == "external")
                .values(step=step, lease_until=self._database.now + silence_s)
            )
            if moved.rowcount != 1:
                raise _ended(connection, run_id)
            # The run's row is locked now, so a concurrent request with the same window has committed.
            if _is_repeated(_get(connection, run_id), window=window, fingerprint=fingerprint):
                return False
            connection.execute(
                update(t.recordings)
                .where(recordings.run_id == run_id)
                .values(
                    windows=window + 1, fingerprint=fingerprint, stored_bytes=recordings.stored_bytes + stored_bytes
                )
            )
            rows = [chunk.row() for chunk in pack(run_id, series)]
            if rows:
                connection.execute(insert(t.chunks), rows)
                refuse_too_many_statistics(connection, self._database)
        return True

    def finish(
        self,
        run_id: str,
        *,
        windows: int,
        status: RunStatus,
        reason: Reason,
        record: RunRecord,
        diagnosis: Diagnosis | None,
        only_if_silent: bool = False,
    ) -> Run:
        """End a run diagnosed from this many windows; raises Conflict if it has ended or more windows have arrived."""
        runs, now = t.runs.c, self._database.now
        conditions = [runs.id == run_id, runs.origin == "external"]
        if only_if_silent:
            conditions.append(runs.lease_until <= now)
        summaries, found = ending_rows(run_id, record, diagnosis)
        with self._database.write() as connection:
            moved = change_status(
                connection,
                self._database,
                *conditions,
                before="running",
                status=status,
                reason=reason,
                lease_until=None,
                ended_at=now,
                steps=record.steps,
                **ending_values(connection, self._database, record, diagnosis),
            )
            if not moved:
                raise _ended(connection, run_id)
            if _get(connection, run_id).windows != windows:
                raise Conflict("more statistics have arrived in the meantime; send the request again")
            if summaries:
                connection.execute(insert(t.layer_summaries), summaries)
            if found:
                connection.execute(insert(t.findings), found)
            row = connection.execute(RUN.where(runs.id == run_id)).mappings().one()
            self._tell(connection, row, diagnosis)
        merge_chunks(self._database, run_id)
        return to_run(row)

    def _tell(self, connection: Connection, row: RowMapping, diagnosis: Diagnosis | None) -> None:
        """An alert if the run has findings that hurt learning. Arms of a study may have them on purpose."""
        if diagnosis is None or row["study_id"] is not None:
            return
        alert = of_recording(row["id"], name=row["name"], diagnosis=diagnosis)
        if alert is not None:
            raise_alert(connection, self._database, row["project"], alert)

    def silent(self) -> list[str]:
        """The runs whose silence timeout has passed."""
        runs = t.runs.c
        query = (
            select(runs.id)
            .where(runs.status == "running", runs.origin == "external", runs.lease_until <= self._database.now)
            .limit(BATCH)
        )
        with self._database.read() as connection:
            return list(connection.execute(query).scalars())

    def _make_room(self, connection: Connection, place: Place, *, seed: int) -> None:
        """Take earlier runs of an arm and a seed out of their study, or raise Conflict."""
        row = connection.execute(select(t.studies).where(t.studies.c.id == place.study_id).with_for_update()).first()
        if row is None:
            raise NotFound(f"there is no study {place.study_id!r}")
        if row.recorded_runs is None:
            raise Conflict("workers train the runs of this study; a program can only record into one that it declared")
        if row.cancel_requested:
            raise Conflict("the study was cancelled")
        if seed not in row.seeds or all(arm["name"] != place.arm for arm in row.arms):
            raise Conflict(f"the study has no arm {place.arm!r} with the seed {seed}")
        runs = t.runs.c
        earlier = and_(runs.study_id == place.study_id, runs.arm == place.arm, runs.seed == seed)
        if connection.execute(select(runs.id).where(earlier, runs.status == "succeeded")).first() is not None:
            raise Conflict(f"the arm {place.arm!r} is already recorded with the seed {seed}")
        cancel_recorded(connection, self._database, earlier, reason=AGAIN)
        connection.execute(update(t.runs).where(earlier).values(study_id=None, source="own"))

    def _insert(
        self,
        connection: Connection,
        run_id: str,
        new: NewRun,
        *,
        study_id: str | None,
        layout: Layout,
        environment: JsonObject,
        declared: JsonObject,
        silence_s: float,
    ) -> None:
        now = self._database.now
        source: RunSource = "own" if study_id is None else "study"
        insert_runs(connection, self._database, [(run_id, new)], source=source, study_id=study_id)
        connection.execute(
            update(t.runs)
            .where(t.runs.c.id == run_id)
            .values(
                **layout_values(connection, self._database, layout),
                environment=dict(environment),
                started_at=now,
                lease_until=now + silence_s,
            )
        )
        connection.execute(
            insert(t.recordings).values(
                run_id=run_id, declared=dict(declared), windows=0, fingerprint=None, stored_bytes=0
            )
        )


def _get(connection: Connection, run_id: str) -> Recording:
    row = connection.execute(select(t.recordings).where(t.recordings.c.run_id == run_id)).one_or_none()
    if row is None:
        raise NotFound(f"there is no recording {run_id!r}")
    return Recording(row.run_id, row.declared, row.windows, row.fingerprint, row.stored_bytes)


def _is_repeated(recording: Recording, *, window: int, fingerprint: str) -> bool:
    if window > recording.windows:
        raise Conflict(
            f"window {window} arrived before window {recording.windows}; send window {recording.windows} first"
        )
    if window == recording.windows - 1 and fingerprint != recording.fingerprint:
        raise Conflict(f"window {window} was already sent with other content; the next window is {recording.windows}")
    return window < recording.windows


def _ended(connection: Connection, run_id: str) -> Conflict | NotFound:
    row = connection.execute(select(t.runs.c.status, t.runs.c.reason_text).where(t.runs.c.id == run_id)).one_or_none()
    if row is None:
        return NotFound(f"there is no recording {run_id!r}")
    return Conflict(f"the recording has ended: {row.status} ({row.reason_text})")
