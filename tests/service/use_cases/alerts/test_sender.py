"""Alerts reach a real receiver over HTTP: once, in order, and again after failures."""

import json
import shutil
import ssl
import subprocess
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
from standardwebhooks import Webhook as Verifier

from gradclinic.queue.messages import Queue
from gradclinic.settings import Settings
from gradclinic.store import Delivery, Store
from gradclinic.use_cases.alerts import sender as module
from gradclinic.use_cases.alerts.message import new_signing_secret
from gradclinic.use_cases.alerts.sender import LONGEST_WAIT_S, MOST_ATTEMPTS, Sender
from gradclinic.use_cases.service import Service

from ....waiting import eventually
from ...store.projects import ALERT, WEBHOOK
from .receiver import Receiver, receiving

NOBODY = "redis://127.0.0.1:1/0"


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as found:
        yield found


def service_of(store: Store, folder: Path, **changes: object) -> Service:
    settings = Settings(**{"data_dir": folder, "broker_url": NOBODY, "webhook_private": True, **changes})  # type: ignore[arg-type]
    return Service(settings, store, Queue(settings))


@pytest.fixture
def service(store: Store, tmp_path: Path) -> Service:
    return service_of(store, tmp_path)


def at_once(service: Service) -> Sender:
    """A sender that tries again without waiting."""
    return Sender(service, jitter=lambda: 0.0)


def tell(store: Store, *texts: str) -> None:
    for text in texts:
        store.webhooks.raise_alert(replace(ALERT, text=text))


def send_all(sender: Sender) -> int:
    return sum(iter(sender.round, 0))


def log(store: Store, name: str = "team") -> list[Delivery]:
    return list(store.webhooks.deliveries(name).items)[::-1]


def test_alerts_arrive_signed_and_in_order(service: Service, store: Store, receiver: Receiver) -> None:
    secret = new_signing_secret()
    store.webhooks.create(replace(WEBHOOK, url=receiver.url, secret=secret))
    tell(store, "1", "2", "3")
    assert send_all(at_once(service)) == 3
    payloads = [Verifier(secret).verify(body, dict(headers)) for headers, body in receiver.got]
    assert [each["data"]["text"] for each in payloads] == ["1", "2", "3"]
    assert [each.status for each in log(store)] == ["delivered"] * 3
    assert receiver.got[0][0]["Host"].startswith("127.0.0.1:")


def test_an_alert_is_tried_again_before_later_ones_are_sent(service: Service, store: Store, receiver: Receiver) -> None:
    store.webhooks.create(replace(WEBHOOK, url=receiver.url, format="slack", secret=None))
    receiver.answers += [(500, {}), (302, {"Location": receiver.url}), (204, {})]
    tell(store, "1", "2")
    assert send_all(at_once(service)) == 4
    assert [json.loads(body)["text"][-1] for body in receiver.bodies()] == ["1", "1", "1", "2"]
    assert [(each.status, each.attempts) for each in log(store)] == [("delivered", 3), ("delivered", 1)]


def test_the_waits_grow_and_an_alert_is_lost_after_the_last_attempt(
    service: Service, store: Store, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits = []
    settle = store.webhooks.settle
    store.webhooks.create(replace(WEBHOOK, url=receiver.url))
    receiver.answers += [(503, {"Retry-After": "0"})] * MOST_ATTEMPTS
    tell(store, "1", "2")
    sender = Sender(service, jitter=lambda: 1.0)

    def without_wait(outgoing, attempt) -> bool:  # type: ignore[no-untyped-def]
        waits.append(attempt.wait_s)
        return settle(outgoing, replace(attempt, wait_s=0.0))

    monkeypatch.setattr(sender._service.store.webhooks, "settle", without_wait)
    assert send_all(sender) == MOST_ATTEMPTS + 1
    assert waits[:8] == [5.0, 20.0, 80.0, 320.0, 1280.0, 5120.0, 20480.0, LONGEST_WAIT_S]
    lost, delivered = log(store)
    assert (lost.status, lost.response_status) == ("lost", 503)
    assert lost.problem == f"it answered 503; given up after {MOST_ATTEMPTS} attempts"
    assert delivered.status == "delivered"


def test_a_receiver_says_when_to_try_again_or_that_it_wants_no_more(
    service: Service, store: Store, receiver: Receiver
) -> None:
    store.webhooks.create(replace(WEBHOOK, url=receiver.url))
    receiver.answers += [(429, {"Retry-After": "3600"})]
    tell(store, "1")
    assert send_all(at_once(service)) == 1
    (waiting,) = log(store)
    assert waiting.next_attempt_at is not None
    assert 3500 < (waiting.next_attempt_at - waiting.created_at).total_seconds() < 3700
    store.webhooks.delete("team")
    store.webhooks.create(replace(WEBHOOK, url=receiver.url))
    receiver.answers += [(410, {})]
    tell(store, "1", "2")
    assert send_all(at_once(service)) == 1
    assert store.webhooks.get("team").paused
    assert [each.status for each in log(store)] == ["lost", "lost"]


@pytest.mark.parametrize(
    ("url", "settings", "problem"),
    [
        ("http://127.0.0.1:1/", {}, "the connection failed"),
        ("http://name.invalid/", {}, "no address"),
        ("https://localhost/", {"webhook_private": False}, "private address"),
    ],
)
def test_what_is_not_reached_is_said_in_words_of_our_own(
    store: Store, tmp_path: Path, url: str, settings: dict[str, bool], problem: str
) -> None:
    store.webhooks.create(replace(WEBHOOK, url=url))
    tell(store, "1")
    assert Sender(service_of(store, tmp_path, **settings), jitter=lambda: 1.0).round() == 1
    (only,) = log(store)
    assert (only.status, only.response_status) == ("pending", None)
    assert problem in str(only.problem)


def test_a_receiver_that_never_answers_is_left(service: Service, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    import socket

    monkeypatch.setattr(module, "ATTEMPT_S", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        store.webhooks.create(replace(WEBHOOK, url=f"http://127.0.0.1:{deaf.getsockname()[1]}/"))
        tell(store, "1")
        assert Sender(service, jitter=lambda: 1.0).round() == 1
    assert "no answer within 0.2 s" in str(log(store)[0].problem)


def test_many_senders_deliver_each_alert_once_and_in_order(service: Service, store: Store, receiver: Receiver) -> None:
    for name in ("a", "b"):
        store.webhooks.create(replace(WEBHOOK, name=name, url=f"{receiver.url}&{name}", format="slack", secret=None))
    texts = [f"{number:02}" for number in range(15)]
    tell(store, *texts)
    with ThreadPoolExecutor(3) as pool:
        list(pool.map(lambda _: send_all(at_once(service)), range(3)))
    send_all(at_once(service))  # a sender stops early if others have the webhooks
    for name in ("a", "b"):
        assert [(each.status, each.attempts) for each in log(store, name)] == [("delivered", 1)] * len(texts)
    got = [json.loads(body)["text"][-2:] for body in receiver.bodies()]
    assert sorted(got) == sorted(2 * texts)
    assert got.index("00") < got.index("07") < got.index("14")


def test_an_alert_that_a_dead_sender_had_sent_is_sent_again_as_the_same_message(
    service: Service, store: Store, receiver: Receiver
) -> None:
    store.webhooks.create(replace(WEBHOOK, url=receiver.url, secret=new_signing_secret()))
    tell(store, "1")
    (webhook_id,) = store.webhooks.due(limit=1)
    dead = store.webhooks.hold(webhook_id, for_s=-1.0)
    assert dead is not None
    at_once(service)._attempt(dead)  # and it dies before it can write that
    assert send_all(at_once(service)) == 1
    assert len({headers["webhook-id"] for headers, _ in receiver.got}) == 1
    assert len(receiver.got) == 2


def test_the_loop_sends_until_it_is_stopped(service: Service, store: Store, receiver: Receiver) -> None:
    store.webhooks.create(replace(WEBHOOK, url=receiver.url))
    stop = threading.Event()
    thread = threading.Thread(target=at_once(service).loop, args=(stop,))
    thread.start()
    tell(store, "1")
    eventually(lambda: receiver.got)
    stop.set()
    thread.join(30)
    assert not thread.is_alive()


def test_a_certificate_must_be_that_of_the_host_though_its_address_is_called(
    service: Service, store: Store, tmp_path: Path, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    openssl = shutil.which("openssl")
    assert openssl, "no openssl: install it"
    certificate, key = tmp_path / "certificate.pem", tmp_path / "key.pem"
    subprocess.run(
        [
            openssl, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days",
            "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-keyout", str(key), "-out",
            str(certificate),
        ],
        check=True,
        capture_output=True,
    )  # fmt: skip
    trusted = ssl.create_default_context(cafile=str(certificate))
    monkeypatch.setattr(module, "_certificates", lambda: trusted)
    with receiving(certificate=certificate, key=key) as secure:
        for name, host in (("right", "localhost"), ("wrong", "127.0.0.1")):
            url = secure.url.replace("http://127.0.0.1", f"https://{host}")
            store.webhooks.create(replace(WEBHOOK, name=name, url=url))
        tell(store, "1")
        assert Sender(service, jitter=lambda: 1.0).round() == 2
    assert log(store, "right")[0].status == "delivered"
    assert "its certificate is not valid" in str(log(store, "wrong")[0].problem)
    assert secure.got[0][0]["Host"].startswith("localhost:")
