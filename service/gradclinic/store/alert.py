"""Writes alerts for webhooks, in the transaction of the change that they are about.

    raise_alert(connection, database, project, Alert(...))
    change_state(connection, database, "check main", is_bad=True, alert=Alert(...))    only if the state changes

So there is an alert if, and only if, there is the change. The reconcilers send it later.
"""

from sqlalchemy import Connection, insert, literal, literal_column, select, update
from sqlalchemy.sql.elements import ColumnElement

from . import tables as t
from .database import Database
from .identifiers import new_id
from .records.webhook import Alert

PENDING: ColumnElement[bool] = t.deliveries.c.status == literal_column("'pending'")
"""As it is written in the partial index of what waits, which a parameter would not match."""
MOST_PENDING = 1000
"""Maximum number of alerts that wait for a webhook; further ones are written down as lost."""


def raise_alert(connection: Connection, database: Database, project: str, alert: Alert) -> int:
    """Write an alert for each webhook of a project that gets its kind; returns their number."""
    webhooks = t.webhooks.c
    query = select(webhooks.id, webhooks.alerts).where(webhooks.project == project, ~webhooks.paused)
    chosen = [row.id for row in connection.execute(query.order_by(webhooks.id)) if alert.kind in row.alerts]
    message_id = new_id("alert")
    for webhook_id in chosen:
        add_delivery(connection, database, webhook_id, alert, message_id=message_id)
    return len(chosen)


def change_state(connection: Connection, database: Database, subject: str, *, is_bad: bool, alert: Alert) -> bool:
    """Set the state of a subject in the connection's project; a state that changes is an alert. Returns whether it did.

    What is not known yet was good before. Concurrent changes of a subject wait for each other.
    """
    states, now = t.alert_states, database.now
    connection.execute(
        database.insert(states)
        .values(subject=subject, is_bad=False, since=now)
        .on_conflict_do_nothing(index_elements=["project", "subject"])
    )
    changed = connection.execute(
        update(states)
        .where(states.c.subject == subject, states.c.is_bad != literal(is_bad))
        .values(is_bad=is_bad, since=now)
        .returning(states.c.project)
    ).scalar()
    if changed is None:
        return False
    raise_alert(connection, database, changed, alert)
    return True


def add_delivery(
    connection: Connection, database: Database, webhook_id: str, alert: Alert, *, message_id: str
) -> str | None:
    """Write that an alert is to be delivered to a webhook, after all others; returns the id of the delivery.

    None if the webhook is gone. Its row is locked, so that numbers have the order of the commits.
    """
    webhooks, deliveries = t.webhooks.c, t.deliveries.c
    number = connection.execute(
        update(t.webhooks)
        .where(webhooks.id == webhook_id)
        .values(deliveries=webhooks.deliveries + 1)
        .returning(webhooks.deliveries)
    ).scalar()
    if number is None:
        return None
    waiting = select(deliveries.id).where(deliveries.webhook_id == webhook_id, PENDING)
    is_full = len(connection.execute(waiting.limit(MOST_PENDING)).all()) >= MOST_PENDING
    delivery_id = new_id("delivery")
    connection.execute(
        insert(t.deliveries).values(
            id=delivery_id,
            webhook_id=webhook_id,
            number=number,
            message_id=message_id,
            kind=alert.kind,
            text=alert.text,
            path=alert.path,
            facts=dict(alert.facts),
            created_at=database.now,
            status="lost" if is_full else "pending",
            attempts=0,
            next_attempt_at=None if is_full else database.now,
            ended_at=database.now if is_full else None,
            problem=f"{MOST_PENDING:,} alerts were waiting already" if is_full else None,
        )
    )
    return delivery_id
