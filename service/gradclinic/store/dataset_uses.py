"""Uses of an uploaded data set by runs, prescriptions and schedules, which name it in their experiments."""

from collections.abc import Iterable, Sequence

from sqlalchemy import Connection, Select, and_, func, or_, select

from ..kernel.errors import Conflict
from ..kernel.json import JsonObject
from . import tables as t
from .database import Database
from .documents import text_at


def hold_datasets(connection: Connection, experiments: Iterable[JsonObject]) -> None:
    """Keep the uploaded data of experiments from being deleted before this transaction ends.

    Raises Conflict if one was deleted after the experiment was validated.
    """
    wanted = {found for experiment in experiments if (found := uploaded_in(experiment)) is not None}
    if not wanted:
        return
    column = t.datasets.c.id
    query = select(column).where(column.in_(wanted)).order_by(column).with_for_update(read=True, key_share=True)
    for missing in sorted(wanted - set(connection.execute(query).scalars())):
        raise Conflict(f"the data set {missing} was deleted")


def uploaded_in(experiment: JsonObject) -> str | None:
    """The uploaded data set that an experiment uses; None for other kinds of data."""
    data = experiment.get("data") or {}
    return str(data["id"]) if data.get("kind") == "uploaded" else None


def runs_by_dataset(connection: Connection, database: Database, dataset_ids: Sequence[str]) -> dict[str, int]:
    """Number of runs on each data set; scans all runs."""
    named = text_at(database, t.runs.c.resolved_experiment, "data", "id")
    counted = select(named.label("dataset"), func.count().label("runs")).where(named.in_(dataset_ids)).group_by(named)
    found = {row.dataset: row.runs for row in connection.execute(counted)}
    return {dataset_id: found.get(dataset_id, 0) for dataset_id in dataset_ids}


def who_needs(connection: Connection, database: Database, dataset_id: str) -> str | None:
    """The unfinished runs, prescriptions or schedules that use a data set, in words; None if there are none."""
    runs, searches = t.runs.c, t.prescriptions.c
    waiting = connection.scalar(
        select(func.count())
        .select_from(t.runs)
        .where(
            runs.status.in_(["queued", "running"]),
            runs.origin == "service",
            text_at(database, runs.resolved_experiment, "data", "id") == dataset_id,
        )
    )
    if waiting:
        return "1 unfinished run uses it" if waiting == 1 else f"{waiting:,} unfinished runs use it"
    going_on = connection.scalar(
        select(func.count())
        .select_from(t.prescriptions)
        .where(searches.status == "running", text_at(database, searches.experiment, "data", "id") == dataset_id)
    )
    if going_on:
        return "a running prescription uses it"
    name = connection.scalar(_schedules_on(database, dataset_id))
    return None if name is None else f"the schedule {name!r} uses it"


def _schedules_on(database: Database, dataset_id: str) -> Select[tuple[str]]:
    """The schedules whose checks train on a data set, by their own experiment or by that of their baseline."""
    own, pinned = t.schedules.c.asks, t.pins.c.experiment
    return (
        select(t.schedules.c.name)
        .outerjoin(t.baselines, t.baselines.c.name == t.schedules.c.baseline)
        .outerjoin(t.pins, t.pins.c.id == t.baselines.c.pin_id)
        .where(
            or_(
                text_at(database, own, "experiment", "data", "id") == dataset_id,
                and_(
                    text_at(database, own, "experiment", "data", "kind").is_(None),
                    text_at(database, pinned, "data", "id") == dataset_id,
                ),
            )
        )
        .order_by(t.schedules.c.name)
        .limit(1)
    )
