import base64
import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
import redis

from gradclinic.kernel.errors import ServiceUnavailable
from gradclinic.queue import messages as queue_module
from gradclinic.queue.messages import BRIEF, TRAIN, Queue, celery_app, owner_prefix
from gradclinic.settings import Settings
from gradclinic.store import Message

from ...servers import Valkey, free_port


@pytest.fixture
def queue(valkey_url: str) -> Iterator[Queue]:
    opened = Queue(Settings(broker_url=valkey_url))
    yield opened
    opened.close()


def messages(count: int, *, queue: str = "cpu") -> list[Message]:
    return [Message(f"run_{n}", queue) for n in range(count)]


def test_a_message_carries_the_id_and_nothing_else_as_json(queue: Queue, valkey_url: str) -> None:
    assert queue.send([Message("run_1", "gpu")]) == ["run_1"]
    client = redis.Redis.from_url(valkey_url)
    (raw,) = client.lrange("gpu", 0, -1)
    client.close()
    message = json.loads(raw)
    assert message["content-type"] == "application/json"
    assert message["headers"]["task"] == TRAIN
    body = base64.b64decode(message["body"])
    assert json.loads(body)[:2] == [["run_1"], {}]


def test_depths_count_the_messages_of_each_queue(queue: Queue) -> None:
    assert dict(queue.depths()) == {"cpu": 0, "gpu": 0}
    queue.send(messages(20))
    queue.send(messages(3, queue="gpu"))
    assert dict(queue.depths()) == {"cpu": 20, "gpu": 3}


def test_a_large_study_leaves_most_messages_to_the_reconciler(queue: Queue) -> None:
    assert len(queue.send(messages(500))) == 64
    assert queue.depths()["cpu"] == 64


def test_a_broker_that_is_away_costs_no_run_and_no_time() -> None:
    queue = Queue(Settings(broker_url=f"redis://127.0.0.1:{free_port()}/0"))
    assert queue.send(messages(500)) == []
    with pytest.raises(ServiceUnavailable):
        queue.ping()
    with pytest.raises(ServiceUnavailable):
        queue.depths()
    queue.close()


def test_a_frozen_broker_does_not_freeze_who_sends() -> None:
    server = Valkey()
    server.start()
    queue = Queue(Settings(broker_url=server.url))
    assert len(queue.send(messages(1))) == 1
    server.signal(signal.SIGSTOP)
    try:
        # That this test ends is what it shows: each of these would wait for ever without the limits.
        assert queue.send(messages(64)) == []
        assert queue.send(messages(64)) == []
        with pytest.raises(ServiceUnavailable):
            queue.ping()
    finally:
        queue.close()
        server.close()


def test_sending_goes_on_once_the_broker_is_back(queue: Queue, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gradclinic.queue.messages.PAUSE_S", 0.0)
    with monkeypatch.context() as broken:
        broken.setattr(queue._redis, "ping", lambda: (_ for _ in ()).throw(redis.ConnectionError("away")))
        assert queue.send(messages(1)) == []
    assert queue.send(messages(1)) == ["run_0"]


def test_messages_are_json_acknowledged_early_and_never_pickled() -> None:
    conf = celery_app(Settings(), connection=BRIEF).conf
    assert (conf.task_serializer, conf.accept_content) == ("json", ["json"])
    assert (conf.task_acks_late, conf.task_ignore_result, conf.result_backend) == (False, True, None)
    assert conf.broker_transport_options["visibility_timeout"] == 86_400


def test_sending_needs_neither_torch_nor_the_workers() -> None:
    code = "import sys, gradclinic.queue, gradclinic.store; print({'torch', 'gradclinic_workers'} & set(sys.modules))"
    shown = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout
    assert shown.strip() == "set()"


def test_owners_are_told_apart_in_containers_that_share_a_name_and_count_their_processes_from_1(monkeypatch) -> None:
    here = owner_prefix(7)
    assert owner_prefix(7) == here != owner_prefix(8)
    code = "from gradclinic.queue.messages import owner_prefix; print(owner_prefix(7))"
    child = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert child.stdout.strip() == here
    queue_module._place.cache_clear()
    elsewhere = SimpleNamespace(st_ino=1)
    with monkeypatch.context() as container:
        container.setattr(queue_module.Path, "stat", lambda _path: elsewhere)
        assert owner_prefix(7) != here
    queue_module._place.cache_clear()
    assert owner_prefix(7) == here


def test_the_password_of_a_file_goes_into_the_url_unless_that_has_one(tmp_path: Path) -> None:
    (tmp_path / "password").write_text("p@ss/word\n")
    file = str(tmp_path / "password")
    assert Settings(broker_url="redis://valkey:6379/0", broker_password_file=file).broker == (
        "redis://:p%40ss%2Fword@valkey:6379/0"
    )
    assert Settings(broker_url="rediss://me@valkey/1", broker_password_file=file).broker == (
        "rediss://me:p%40ss%2Fword@valkey/1"
    )
    for url in ("redis://:own@valkey:6379/0", "redis://me:own@valkey:6379/0"):
        assert Settings(broker_url=url, broker_password_file=file).broker == url
    assert Settings(broker_url="redis://valkey:6379/0").broker == "redis://valkey:6379/0"
