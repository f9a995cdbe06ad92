from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from gradclinic.kernel.errors import Conflict, NotFound
from gradclinic.store import Attempt, Delivery, Store, Webhook
from gradclinic.store.alert import MOST_PENDING
from gradclinic.store.webhook import MOST_WEBHOOKS

from .plans import statements
from .projects import ALERT, WEBHOOK

DONE = Attempt(status="delivered", response_status=204, problem=None)
LATER = Attempt(status="pending", response_status=503, problem="it answered 503", wait_s=3600.0)
LOST = replace(LATER, status="lost")


def made(store: Store, name: str = "team", **changes: object) -> Webhook:
    return store.webhooks.create(replace(WEBHOOK, name=name, **changes))


def log(store: Store, name: str = "team") -> list[Delivery]:
    """Oldest first."""
    return list(store.webhooks.deliveries(name).items)[::-1]


def send(store: Store, attempt: Attempt = DONE) -> list[str]:
    """What one sender does until nothing is due: the texts that it sends."""
    sent = []
    while due := store.webhooks.due(limit=10):
        outgoing = store.webhooks.hold(due[0], for_s=60.0)
        assert outgoing is not None
        sent.append(outgoing.delivery.alert.text)
        assert store.webhooks.settle(outgoing, attempt)
    return sent


def test_a_name_is_taken_once_and_a_project_has_a_limited_number(store: Store) -> None:
    webhook = made(store)
    assert store.webhooks.get("team") == webhook
    assert (webhook.paused, webhook.pending, webhook.alerts) == (False, 0, ("check.failed",))
    assert "example.org" not in repr(webhook)
    with pytest.raises(Conflict, match="'team' already exists"):
        made(store)
    with pytest.raises(NotFound, match="no webhook 'other'"):
        store.webhooks.get("other")
    for number in range(MOST_WEBHOOKS - 1):
        made(store, f"w{number}")
    with pytest.raises(Conflict, match="already 50 webhooks"):
        made(store, "more")


def test_an_alert_goes_to_the_webhooks_that_get_its_kind(store: Store) -> None:
    made(store)
    made(store, "queue", alerts=["queue.waiting"])
    made(store, "paused")
    store.webhooks.set_paused("paused", paused=True)
    made(store, "also")
    assert store.webhooks.raise_alert(ALERT) == 2
    (first,), (second,) = log(store), log(store, "also")
    assert first.alert == second.alert == ALERT
    assert first.message_id == second.message_id
    assert (first.status, first.attempts, first.number) == ("pending", 0, 1)
    assert log(store, "queue") == log(store, "paused") == []


def test_only_the_change_of_a_state_is_an_alert(store: Store) -> None:
    made(store)
    told = [
        store.webhooks.change_state("check main", is_bad=bad, alert=replace(ALERT, text=str(bad)))
        for bad in (False, True, True, False, True)
    ]
    assert told == [False, True, False, True, True]
    assert [each.alert.text for each in log(store)] == ["True", "False", "True"]


def test_a_state_that_many_find_changed_at_once_is_one_alert(store: Store) -> None:
    made(store)
    with ThreadPoolExecutor(8) as pool:
        told = list(pool.map(lambda _: store.webhooks.change_state("queue", is_bad=True, alert=ALERT), range(8)))
    assert sum(told) == len(log(store)) == 1


def test_alerts_are_sent_in_order_and_one_that_waits_holds_the_later_ones_back(store: Store) -> None:
    made(store)
    for text in ("1", "2", "3"):
        store.webhooks.raise_alert(replace(ALERT, text=text))
    everywhere = store.everywhere()
    assert send(everywhere, LATER) == ["1"]
    assert send(everywhere) == []
    assert [(each.status, each.attempts, each.problem) for each in log(store)] == [
        ("pending", 1, "it answered 503"), ("pending", 0, None), ("pending", 0, None),
    ]  # fmt: skip
    other = Store(store._database)
    assert other.webhooks.waiting_and_lost(within_s=60.0) == (3, 0)


def test_what_is_given_up_is_said_to_be_lost_and_the_next_one_goes(store: Store) -> None:
    made(store)
    for text in ("1", "2"):
        store.webhooks.raise_alert(replace(ALERT, text=text))
    (webhook_id,) = store.webhooks.due(limit=10)
    outgoing = store.webhooks.hold(webhook_id, for_s=60.0)
    assert outgoing is not None
    assert store.webhooks.settle(outgoing, LOST)
    assert send(store) == ["2"]
    assert [each.status for each in log(store)] == ["lost", "delivered"]
    assert store.webhooks.waiting_and_lost(within_s=60.0) == (0, 1)


def test_one_sender_at_a_time_has_a_webhook_and_one_that_lost_it_changes_nothing(store: Store) -> None:
    made(store)
    store.webhooks.raise_alert(ALERT)
    (webhook_id,) = store.webhooks.due(limit=10)
    slow = store.webhooks.hold(webhook_id, for_s=-1.0)  # its time is over at once, as if it had died
    assert slow is not None
    with ThreadPoolExecutor(4) as pool:
        held = [each for each in pool.map(lambda _: store.webhooks.hold(webhook_id, for_s=60.0), range(4)) if each]
    assert len(held) == 1
    assert store.webhooks.due(limit=10) == []
    assert not store.webhooks.settle(slow, LOST)
    assert store.webhooks.settle(held[0], DONE)
    (only,) = log(store)
    assert (only.status, only.attempts, only.response_status) == ("delivered", 1, 204)
    assert only.message_id == slow.delivery.message_id == held[0].delivery.message_id


def test_an_alert_is_redelivered_as_the_same_message_at_the_end(store: Store) -> None:
    made(store)
    store.webhooks.raise_alert(ALERT)
    (first,) = log(store)
    with pytest.raises(Conflict, match="has not been delivered yet"):
        store.webhooks.redeliver("team", first.id)
    send(store)
    again = store.webhooks.redeliver("team", first.id)
    assert (again.number, again.message_id, again.alert) == (2, first.message_id, ALERT)
    with pytest.raises(NotFound, match="no delivery 'delivery_x'"):
        store.webhooks.redeliver("team", "delivery_x")
    assert send(store) == [ALERT.text]


def test_a_receiver_that_wants_no_more_is_paused(store: Store) -> None:
    made(store)
    store.webhooks.raise_alert(ALERT)
    store.webhooks.raise_alert(ALERT)
    assert send(store, replace(LOST, response_status=410, problem="gone", ends_webhook=True)) == [ALERT.text]
    webhook = store.webhooks.get("team")
    assert (webhook.paused, webhook.problem, webhook.pending) == (True, "gone", 0)
    assert [each.status for each in log(store)] == ["lost", "lost"]
    with pytest.raises(Conflict, match="is paused"):
        store.webhooks.tell("team", ALERT)
    assert store.webhooks.set_paused("team", paused=False).problem is None


def test_the_log_is_read_by_the_page_and_old_entries_go(store: Store) -> None:
    made(store)
    for _ in range(5):
        store.webhooks.raise_alert(ALERT)
    send(store)
    store.webhooks.raise_alert(ALERT)
    first = store.webhooks.deliveries("team", limit=4)
    second = store.webhooks.deliveries("team", after=first.next, limit=4)
    assert [each.number for each in [*first.items, *second.items]] == [6, 5, 4, 3, 2, 1]
    assert [each.number for each in store.webhooks.deliveries("team", status="pending").items] == [6]
    store.webhooks.forget(older_than_s=-1.0)
    assert [each.number for each in log(store)] == [6]
    store.webhooks.delete("team")
    with pytest.raises(NotFound):
        store.webhooks.deliveries("team")


def test_what_nobody_takes_does_not_pile_up(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    assert MOST_PENDING == 1000
    monkeypatch.setattr("gradclinic.store.alert.MOST_PENDING", 2)
    made(store)
    for _ in range(3):
        store.webhooks.raise_alert(ALERT)
    assert [each.status for each in log(store)] == ["pending", "pending", "lost"]
    assert "were waiting already" in str(log(store)[-1].problem)


def test_what_waits_is_found_by_its_own_index_however_long_the_log_is(store: Store) -> None:
    made(store)
    store.webhooks.raise_alert(ALERT)
    with statements(store) as sent:
        (webhook_id,) = store.webhooks.due(limit=10)
        store.webhooks.hold(webhook_id, for_s=60.0)
        store.webhooks.get("team")
        store.webhooks.waiting_and_lost(within_s=60.0)
    plans = [plan for plan in sent.plans if "deliveries" in plan]
    assert len(plans) >= 4
    for plan in plans:
        assert "ix_deliveries_pending" in plan or "ix_deliveries_status_ended_at" in plan, plan


def test_an_old_secret_is_forgotten_when_it_signs_no_more(store: Store) -> None:
    old = made(store).secret
    rotated = store.webhooks.rotate("team", "whsec_bmV3", old_lasts_s=3600.0)
    assert (rotated.secret, rotated.old_secret) == ("whsec_bmV3", old)
    store.webhooks.forget(older_than_s=0.0)
    assert store.webhooks.get("team") == rotated
    assert store.webhooks.rotate("team", "whsec_bmV4", old_lasts_s=-1.0).old_secret == "whsec_bmV3"
    store.webhooks.forget(older_than_s=0.0)
    assert store.webhooks.get("team").old_secret is None


def test_a_webhook_without_a_secret_has_none_to_rotate(store: Store) -> None:
    made(store, format="slack", secret=None)
    with pytest.raises(Conflict, match="no secret"):
        store.webhooks.rotate("team", "whsec_bmV3", old_lasts_s=0.0)
    with pytest.raises(NotFound):
        store.webhooks.rotate("other", "whsec_bmV3", old_lasts_s=0.0)
