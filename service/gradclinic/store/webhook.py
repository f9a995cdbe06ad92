"""Webhooks, and the deliveries to them: at most one sender at a time, in order, each until it is delivered or lost."""

from collections.abc import Sequence

from sqlalchemy import Connection, RowMapping, and_, delete, func, or_, select, update
from sqlalchemy.sql.elements import ColumnElement

from ..kernel.errors import Conflict, NotFound
from ..kernel.vocabulary import DeliveryStatus
from . import tables as t
from .acting import note_created
from .alert import PENDING, add_delivery, change_state, raise_alert
from .damage import readable, whole
from .database import Database
from .identifiers import new_id
from .page_size import rows_of_page
from .records.page import Page
from .records.webhook import Alert, Attempt, Delivery, NewWebhook, Outgoing, Webhook
from .rows import known, moment

MOST_WEBHOOKS = 50
"""Maximum number of webhooks of a project."""
_AS_GIVEN = ("name", "url", "format", "secret", "request_id")
_OF_ALERT = ("kind", "text", "path", "facts")
_AS_STORED = ("id", "number", "message_id", "status", "attempts", "response_status", "problem")


class Webhooks:
    """Reads and writes webhooks and deliveries."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def create(self, new: NewWebhook) -> Webhook:
        """Store a webhook; raises Conflict if the name is in use, or if there are too many."""
        webhooks, webhook_id = t.webhooks.c, new_id("webhook")
        with self._database.write() as connection:
            made = connection.execute(
                self._database.insert(t.webhooks)
                .values(
                    **{name: getattr(new, name) for name in _AS_GIVEN},
                    id=webhook_id,
                    alerts=list(new.alerts),
                    paused=False,
                    created_at=self._database.now,
                    deliveries=0,
                )
                .on_conflict_do_nothing(index_elements=["project", "name"])
                .returning(webhooks.id)
            )
            if made.first() is None:
                raise Conflict(f"the webhook {new.name!r} already exists; delete it first, or choose another name")
            if connection.execute(select(func.count()).select_from(t.webhooks)).scalar_one() > MOST_WEBHOOKS:
                raise Conflict(f"there are already {MOST_WEBHOOKS} webhooks; delete one first")
            note_created(f"/v1/webhooks/{new.name}")
            return _get(connection, new.name)

    def get(self, name: str) -> Webhook:
        """One webhook; raises NotFound."""
        with self._database.read() as connection:
            return _get(connection, name)

    def page(self, *, after: str | None = None, limit: int = 50) -> Page[Webhook]:
        """A page of webhooks, by name."""
        query = select(t.webhooks).order_by(t.webhooks.c.name)
        if after is not None:
            query = query.where(t.webhooks.c.name > after)
        with self._database.read() as connection:
            rows, more = rows_of_page(connection, query, limit=limit)
            found = readable(rows, lambda row: _webhook(connection, row))
        return Page(found, rows[-1]["name"] if more else None)

    def set_paused(self, name: str, *, paused: bool) -> Webhook:
        """Pause or resume a webhook. It gets none of the alerts of a pause; those from before it wait."""
        with self._database.write() as connection:
            connection.execute(update(t.webhooks).where(t.webhooks.c.name == name).values(paused=paused, problem=None))
            return _get(connection, name)

    def rotate(self, name: str, secret: str, *, old_lasts_s: float) -> Webhook:
        """Sign with a new secret from now on, and with the present one, too, for `old_lasts_s` seconds.

        Raises NotFound, or Conflict for a webhook that signs nothing.
        """
        webhooks = t.webhooks.c
        with self._database.write() as connection:
            if _get(connection, name).secret is None:
                raise Conflict(f"the webhook {name!r} has no secret: Slack knows no signatures")
            connection.execute(
                update(t.webhooks)
                .where(webhooks.name == name)
                .values(old_secret=webhooks.secret, old_secret_until=self._database.now + old_lasts_s, secret=secret)
            )
            note_created(f"/v1/webhooks/{name}")
            return _get(connection, name)

    def delete(self, name: str) -> None:
        """Delete a webhook with its log; raises NotFound."""
        with self._database.write() as connection:
            gone = connection.execute(delete(t.webhooks).where(t.webhooks.c.name == name).returning(t.webhooks.c.id))
            if gone.first() is None:
                raise _not_found(name)

    def deliveries(
        self, name: str, *, status: DeliveryStatus | None = None, after: str | None = None, limit: int = 50
    ) -> Page[Delivery]:
        """A page of the log of a webhook, newest first; raises NotFound."""
        column = t.deliveries.c
        with self._database.read() as connection:
            query = select(t.deliveries).where(column.webhook_id == _get(connection, name).id)
            if status is not None:
                query = query.where(column.status == status)
            if after is not None:
                last = select(column.number).where(column.id == after).scalar_subquery()
                query = query.where(column.number < last)
            rows, more = rows_of_page(connection, query.order_by(column.number.desc()), limit=limit)
        return Page(readable(rows, _delivery), rows[-1]["id"] if more else None)

    def tell(self, name: str, alert: Alert) -> Delivery:
        """Write an alert for one webhook, whichever it gets; raises NotFound, or Conflict if it is paused."""
        with self._database.write() as connection:
            return self._add(connection, _get(connection, name), alert, message_id=new_id("alert"))

    def redeliver(self, name: str, delivery_id: str) -> Delivery:
        """Deliver an alert once more, after all that wait; raises NotFound, or Conflict if it still waits."""
        column = t.deliveries.c
        with self._database.write() as connection:
            webhook = _get(connection, name)
            query = select(t.deliveries).where(column.id == delivery_id, column.webhook_id == webhook.id)
            row = connection.execute(query).mappings().first()
            if row is None:
                raise NotFound(f"the webhook {name!r} has no delivery {delivery_id!r}")
            earlier = _delivery(row)
            if earlier.status == "pending":
                raise Conflict(f"{delivery_id} has not been delivered yet; it is tried again by itself")
            return self._add(connection, webhook, earlier.alert, message_id=earlier.message_id)

    def raise_alert(self, alert: Alert) -> int:
        """Write an alert for all webhooks of the project that get it; returns their number."""
        project = self._database.project
        if project is None:
            raise ValueError("an alert needs a project")
        with self._database.write() as connection:
            return raise_alert(connection, self._database, project, alert)

    def change_state(self, subject: str, *, is_bad: bool, alert: Alert) -> bool:
        """Set the state of a subject of the project; a change is an alert. Returns whether it changed."""
        with self._database.read() as connection:  # most are as they were, and need no write lock
            states = t.alert_states.c
            before = connection.execute(select(states.is_bad).where(states.subject == subject)).scalar()
        if bool(before) == is_bad:
            return False
        with self._database.write() as connection:
            return change_state(connection, self._database, subject, is_bad=is_bad, alert=alert)

    def projects(self) -> Sequence[str]:
        """The projects that have webhooks."""
        with self._database.read() as connection:
            return list(connection.execute(select(t.webhooks.c.project).distinct()).scalars())

    def due(self, *, limit: int) -> Sequence[str]:
        """Ids of the webhooks to which something can be sent now."""
        webhooks, first = t.webhooks.c, t.deliveries.alias()
        number = (
            select(func.min(t.deliveries.c.number))
            .where(t.deliveries.c.webhook_id == webhooks.id, PENDING)
            .correlate(t.webhooks)
            .scalar_subquery()
        )
        query = (
            select(webhooks.id)
            .join_from(t.webhooks, first, and_(first.c.webhook_id == webhooks.id, first.c.number == number))
            .where(~webhooks.paused, self._is_free(), first.c.next_attempt_at <= self._database.now)
            .order_by(first.c.next_attempt_at)
            .limit(limit)
        )
        with self._database.read() as connection:
            return list(connection.execute(query).scalars())

    def hold(self, webhook_id: str, *, for_s: float) -> Outgoing | None:
        """Take the next delivery to a webhook, which no other sender can take for some seconds; None if none is due."""
        webhooks, deliveries, token = t.webhooks.c, t.deliveries.c, new_id("sender")
        with self._database.write() as connection:
            held = connection.execute(
                update(t.webhooks)
                .where(webhooks.id == webhook_id, ~webhooks.paused, self._is_free())
                .values(held_until=self._database.now + for_s, held_by=token)
                .returning(webhooks.id)
            )
            if held.first() is None:
                return None
            row = connection.execute(select(t.webhooks).where(webhooks.id == webhook_id)).mappings().one()
            query = (
                select(t.deliveries, (deliveries.next_attempt_at <= self._database.now).label("is_due"))
                .where(deliveries.webhook_id == webhook_id, PENDING)
                .order_by(deliveries.number)
                .limit(1)
            )
            first = connection.execute(query).mappings().first()
            if first is None or not first["is_due"]:
                self._let_go(connection, webhook_id)
                return None
            return Outgoing(_webhook(connection, row), _delivery(first), token)

    def settle(self, outgoing: Outgoing, attempt: Attempt) -> bool:
        """Write what came of an attempt and let go of the webhook; False if another sender has it by now."""
        webhooks, deliveries, now = t.webhooks.c, t.deliveries.c, self._database.now
        pending = attempt.status == "pending"
        with self._database.write() as connection:
            query = select(webhooks.id).where(webhooks.id == outgoing.webhook.id, webhooks.held_by == outgoing.token)
            if connection.execute(query.with_for_update()).first() is None:
                return False
            connection.execute(
                update(t.deliveries)
                .where(deliveries.id == outgoing.delivery.id)
                .values(
                    status=attempt.status,
                    attempts=deliveries.attempts + 1,
                    next_attempt_at=now + attempt.wait_s if pending else None,
                    ended_at=None if pending else now,
                    response_status=attempt.response_status,
                    problem=attempt.problem,
                )
            )
            if attempt.ends_webhook:
                _end(connection, self._database, outgoing.webhook.id, problem=attempt.problem)
            self._let_go(connection, outgoing.webhook.id)
        return True

    def waiting_and_lost(self, *, within_s: float) -> tuple[int, int]:
        """Number of deliveries that wait, and of those that were given up in the last `within_s` seconds."""
        column, number = t.deliveries.c, select(func.count()).select_from(t.deliveries)
        lost = number.where(column.status == "lost", column.ended_at > self._database.now - within_s)
        with self._database.read() as connection:
            waiting = connection.execute(number.where(PENDING)).scalar_one()
            return waiting, connection.execute(lost).scalar_one()

    def forget(self, *, older_than_s: float) -> None:
        """Delete deliveries that ended that long ago from the log, and secrets that sign no more."""
        column, webhooks = t.deliveries.c, t.webhooks.c
        with self._database.write() as connection:
            connection.execute(
                delete(t.deliveries).where(
                    column.status.in_(["delivered", "lost"]), column.ended_at < self._database.now - older_than_s
                )
            )
            connection.execute(
                update(t.webhooks).where(webhooks.old_secret_until < self._database.now).values(old_secret=None)
            )

    def _add(self, connection: Connection, webhook: Webhook, alert: Alert, *, message_id: str) -> Delivery:
        if webhook.paused:
            raise Conflict(f"the webhook {webhook.name!r} is paused; resume it first")
        delivery_id = add_delivery(connection, self._database, webhook.id, alert, message_id=message_id)
        note_created(f"/v1/webhooks/{webhook.name}/deliveries/{delivery_id}")
        query = select(t.deliveries).where(t.deliveries.c.id == delivery_id)
        return _delivery(connection.execute(query).mappings().one())

    def _is_free(self) -> ColumnElement[bool]:
        until = t.webhooks.c.held_until
        return or_(until.is_(None), until <= self._database.now)

    def _let_go(self, connection: Connection, webhook_id: str) -> None:
        connection.execute(
            update(t.webhooks).where(t.webhooks.c.id == webhook_id).values(held_until=None, held_by=None)
        )


def _end(connection: Connection, database: Database, webhook_id: str, *, problem: str | None) -> None:
    """Pause a webhook whose receiver wants no more, and give up what waits for it."""
    deliveries = t.deliveries.c
    connection.execute(update(t.webhooks).where(t.webhooks.c.id == webhook_id).values(paused=True, problem=problem))
    connection.execute(
        update(t.deliveries)
        .where(deliveries.webhook_id == webhook_id, PENDING)
        .values(status="lost", next_attempt_at=None, ended_at=database.now, problem=problem)
    )


def _not_found(name: str) -> NotFound:
    return NotFound(f"there is no webhook {name!r}")


def _get(connection: Connection, name: str) -> Webhook:
    row = connection.execute(select(t.webhooks).where(t.webhooks.c.name == name)).mappings().first()
    if row is None:
        raise _not_found(name)
    return _webhook(connection, row)


def _webhook(connection: Connection, row: RowMapping) -> Webhook:
    deliveries = t.deliveries.c
    waiting = select(func.count()).select_from(t.deliveries).where(deliveries.webhook_id == row["id"], PENDING)
    pending = connection.execute(waiting).scalar_one()
    return whole(
        "webhook",
        row["name"],
        lambda: Webhook(
            **{name: row[name] for name in (*_AS_GIVEN, "id", "project", "paused", "problem", "old_secret")},
            alerts=tuple(row["alerts"]),
            old_secret_until=moment(row["old_secret_until"]),
            created_at=known(row["created_at"]),
            pending=pending,
        ),
    )


def _delivery(row: RowMapping) -> Delivery:
    return whole(
        "delivery",
        row["id"],
        lambda: Delivery(
            **{name: row[name] for name in _AS_STORED},
            alert=whole("delivery", row["id"], lambda: Alert(**{name: row[name] for name in _OF_ALERT})),
            created_at=known(row["created_at"]),
            next_attempt_at=moment(row["next_attempt_at"]),
            ended_at=moment(row["ended_at"]),
        ),
    )
