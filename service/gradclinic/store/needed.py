"""Protects runs that a baseline or a check uses from deletion; the error names what uses them.

The runs themselves are kept, not only copies of their numbers: a check diagnoses both sides by current rules, which
needs the recorded statistics, and the curves help to investigate a failure.
"""

from sqlalchemy import Connection, exists, or_, select
from sqlalchemy.sql.elements import ColumnElement

from ..kernel.errors import Conflict
from . import tables as t


def refuse_needed(connection: Connection, which: ColumnElement[bool], *, but_check: str | None = None) -> None:
    """Lock the runs that match a condition; raises Conflict if one of them is in use.

    Pinning also locks the run until the commit, so a run cannot be pinned and deleted at the same time. `but_check`
    is a check that is itself being deleted.
    """
    connection.execute(select(t.runs.c.id).where(which).with_for_update())
    runs = select(t.runs.c.id).where(which)
    pinned = connection.execute(
        select(t.pinned_runs.c.run_id, t.pins.c.id, t.pins.c.baseline, t.baselines.c.name)
        .join_from(t.pinned_runs, t.pins, t.pinned_runs.c.pin_id == t.pins.c.id)
        .outerjoin(t.baselines, t.baselines.c.pin_id == t.pins.c.id)
        .where(t.pinned_runs.c.run_id.in_(runs))
        .order_by(t.baselines.c.name.is_(None), t.pinned_runs.c.run_id)
        .limit(1)
    ).first()
    if pinned is not None and pinned.name is not None:
        raise Conflict(
            f"the run {pinned.run_id} is pinned by the baseline {pinned.name!r}; move or delete the baseline first"
        )
    if pinned is not None:
        check_id = connection.execute(
            select(t.checks.c.id).where(t.checks.c.pin_id == pinned.id).order_by(t.checks.c.id).limit(1)
        ).scalar()
        raise Conflict(
            f"the run {pinned.run_id} was pinned by the baseline {pinned.baseline!r} when the check {check_id} was "
            "compared with it; delete the check first"
        )
    used = select(t.check_runs).where(t.check_runs.c.run_id.in_(runs))
    if but_check is not None:
        used = used.where(t.check_runs.c.check_id != but_check)
    own = connection.execute(used.limit(1)).first()
    if own is not None:
        raise Conflict(f"the run {own.run_id} belongs to the check {own.check_id}; delete the check instead")


def release(connection: Connection, pin_id: str) -> None:
    """Unpin the runs of a pin unless a baseline's name points at it or a check was compared with it.

    Its row is locked first, so of two concurrent deletions the second one sees that the pin is unused.
    """
    connection.execute(select(t.pins.c.id).where(t.pins.c.id == pin_id).with_for_update())
    needed = or_(
        exists().where(t.baselines.c.pin_id == pin_id),
        exists().where(t.checks.c.pin_id == pin_id),
    )
    if not connection.execute(select(needed)).scalar():
        connection.execute(t.pinned_runs.delete().where(t.pinned_runs.c.pin_id == pin_id))
