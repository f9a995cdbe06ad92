"""Senders are killed while they deliver: each alert arrives, in order. One that arrives twice is the same message."""

import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
from standardwebhooks import Webhook as Verifier

from gradclinic.store import Store
from gradclinic.use_cases.alerts.message import new_signing_secret

from ..service.store.projects import ALERT, WEBHOOK
from ..service.use_cases.alerts.receiver import Receiver, receiving
from ..waiting import eventually

SENDER = """
import threading
from gradclinic.settings import get_settings
from gradclinic.use_cases.alerts import sender
from gradclinic.use_cases.service import Service
sender.HELD_S = 1.0
sender.Sender(Service.of(get_settings()), jitter=lambda: 0.0).loop(threading.Event())
"""
ALERTS = 40


def started(database_url: str, folder: Path) -> subprocess.Popen[bytes]:
    settings = {
        "GRADCLINIC_DATABASE_URL": database_url,
        "GRADCLINIC_DATA_DIR": str(folder),
        "GRADCLINIC_BROKER_URL": "redis://127.0.0.1:1/0",
        "GRADCLINIC_WEBHOOK_PRIVATE": "true",
    }
    return subprocess.Popen([sys.executable, "-c", SENDER], env={**os.environ, **settings}, start_new_session=True)


def texts(receiver: Receiver, secret: str) -> list[tuple[str, str]]:
    """The id and the text of each message, verified."""
    verifier = Verifier(secret)
    return [
        (headers["webhook-id"], verifier.verify(body, dict(headers))["data"]["text"])
        for headers, body in list(receiver.got)
    ]


@pytest.mark.slow
def test_alerts_survive_senders_that_are_killed(store: Store, database_url: str, tmp_path: Path) -> None:
    secret = new_signing_secret()
    expected = [f"{number:02}" for number in range(ALERTS)]
    with receiving(pause_s=0.05) as receiver:
        store.webhooks.create(replace(WEBHOOK, url=receiver.url, secret=secret))
        for text in expected:
            store.webhooks.raise_alert(replace(ALERT, text=text))
        senders = [started(database_url, tmp_path) for _ in range(2)]
        try:
            for kill in range(3):
                seen = len(receiver.got)
                eventually(lambda seen=seen: len(receiver.got) > seen + 2)  # type: ignore[misc]
                time.sleep(0.03 * kill)  # at another moment of an attempt
                for each in senders:
                    os.killpg(each.pid, signal.SIGKILL)
                    each.wait()
                senders = [started(database_url, tmp_path) for _ in range(2)]
            eventually(lambda: store.webhooks.get("team").pending == 0)
        finally:
            for each in senders:
                os.killpg(each.pid, signal.SIGKILL)
                each.wait()
        got = texts(receiver, secret)
    first_times = list(dict.fromkeys(got))
    assert [text for _, text in first_times] == expected
    assert len({message_id for message_id, _ in first_times}) == ALERTS
    log = store.webhooks.deliveries("team", limit=200).items
    assert [each.status for each in log] == ["delivered"] * ALERTS
