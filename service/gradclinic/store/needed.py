"""What a baseline or a check rests on is not deleted under it: its runs are refused, by name of what needs them.

The runs stay, and not only copies of their numbers: a check judges both sides by the rules of its day, which needs
what the baseline's runs recorded, and whoever looks into a failure wants to see the curves that it is held against.
"""

from sqlalchemy import Connection, exists, or_, select
from sqlalchemy.sql.elements import ColumnElement

from ..kernel.errors import Conflict
from . import tables as t


def refuse_needed(connection: Connection, which: ColumnElement[bool], *, but_check: str | None = None) -> None:
    """Lock the runs that a condition means; raises Conflict where something rests on one of them.

    Whoever pins a run has locked it until that is committed, so that none is pinned and deleted at once. `but_check`
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
            "held against it; delete the check first"
        )
    used = select(t.check_runs).where(t.check_runs.c.run_id.in_(runs))
    if but_check is not None:
        used = used.where(t.check_runs.c.check_id != but_check)
    own = connection.execute(used.limit(1)).first()
    if own is not None:
        raise Conflict(f"the run {own.run_id} belongs to the check {own.check_id}, which is deleted with its runs only")


def release(connection: Connection, pin_id: str) -> None:
    """Let go of a pin's runs, unless a baseline's name points at it or a check was held against it.

    Its row is locked first: of two who take away what needs it, the second sees that nothing is left.
    """
    connection.execute(select(t.pins.c.id).where(t.pins.c.id == pin_id).with_for_update())
    needed = or_(
        exists().where(t.baselines.c.pin_id == pin_id),
        exists().where(t.checks.c.pin_id == pin_id),
    )
    if not connection.execute(select(needed)).scalar():
        connection.execute(t.pinned_runs.delete().where(t.pinned_runs.c.pin_id == pin_id))
