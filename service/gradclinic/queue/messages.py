"""The name of the task, and how a message is sent. A message is a hint with a run's id; the database is the truth.

Nothing here imports torch or the workers. A message that cannot be sent is no loss: the reconciler sends it later.
"""

import hashlib
import socket
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

import redis
import structlog
from celery import Celery
from kombu.exceptions import OperationalError
from kombu.transport.redis import Channel
from redis.backoff import NoBackoff
from redis.retry import Retry

from ..kernel.errors import ServiceUnavailable
from ..settings import Settings
from ..store import Message

log = structlog.get_logger(__name__)

TRAIN = "gradclinic.train"
QUEUES = ("cpu", "gpu")
PRIORITIES = (0, 3, 6, 9)
"""What the transport tells apart; 0 goes first."""
SEPARATOR: str = Channel.sep
"""What Kombu puts between a queue's name and a priority in the name of their list."""

SENT_AT_ONCE = 64
"""Messages that one request sends itself; the reconciler sends the rest, so that a large study is accepted at once."""
PAUSE_S = 3.0
"""Seconds without another try after the broker did not answer, so that requests do not queue up behind it."""


PATIENT: dict[str, object] = {"socket_timeout": 10}
"""A worker's connection: it has nothing better to do than to try again."""
BRIEF: dict[str, object] = {"socket_timeout": 1, "max_retries": 1, "interval_start": 0, "interval_step": 0}
"""A producer's connection: somebody waits for the answer, and the reconciler will send what it could not."""


def celery_app(settings: Settings, *, connection: Mapping[str, Any] = PATIENT) -> Celery:
    """Celery as both sides use it: JSON only, early acknowledgement, no results, one run at a time."""
    app = Celery("gradclinic", broker=settings.broker_url, set_as_current=False)
    app.conf.update(
        task_acks_late=False,
        task_ignore_result=True,
        result_backend=None,
        task_serializer="json",
        accept_content=["json"],
        task_default_queue=QUEUES[0],
        task_create_missing_queues=True,
        worker_disable_prefetch=True,
        worker_prefetch_multiplier=1,
        worker_pool_start_method="spawn",
        worker_concurrency=1,
        worker_proc_alive_timeout=300.0,  # a child imports torch before it says that it is up
        worker_cancel_long_running_tasks_on_connection_loss=False,
        worker_hijack_root_logger=False,
        worker_redirect_stdouts=False,
        worker_send_task_events=False,
        worker_enable_remote_control=False,
        broker_connection_retry_on_startup=True,
        broker_connection_max_retries=None,
        broker_channel_error_retry=True,  # a broker that is out of memory, or a replica now, ends no worker
        broker_transport_options={
            "visibility_timeout": 86_400,
            **connection,
            "socket_connect_timeout": 2,
            "socket_keepalive": True,
            "priority_steps": list(PRIORITIES),
            "sep": SEPARATOR,
            "queue_order_strategy": "priority",
        },
    )
    return app


def owner_prefix(worker_pid: int) -> str:
    """What the owners' names of the runs begin with that one worker's children hold.

    Containers may share their host's name, and cloned machines theirs, while each counts its processes from 1.
    """
    return f"{socket.gethostname()}-{_place()}/{worker_pid}/"


@cache
def _place() -> str:
    """Eight digits that no other machine that runs, and no other container on this one, has."""
    known = ""
    with suppress(OSError):  # a sandbox may show neither
        known += Path("/proc/sys/kernel/random/boot_id").read_text("ascii")
        known += str(Path("/proc/self/ns/pid").stat().st_ino)
    return hashlib.sha256(known.encode()).hexdigest()[:8]


class Queue:
    """The producer's side of the queues; it never waits for longer than a few seconds, and never raises on sending."""

    def __init__(self, settings: Settings) -> None:
        self._app = celery_app(settings, connection=BRIEF)
        self._redis = redis.Redis.from_url(
            settings.broker_url, socket_timeout=0.5, socket_connect_timeout=0.5, retry=Retry(NoBackoff(), 0)
        )
        self._paused_until = 0.0

    def send(self, messages: Sequence[Message], *, at_once: int = SENT_AT_ONCE) -> list[str]:
        """Send a message for each run; the ids of the runs whose message the broker took, perhaps none."""
        sent: list[str] = []
        if not messages or time.monotonic() < self._paused_until:
            return sent
        try:
            self._redis.ping()  # a frozen broker is found out sooner than by sending
            with self._app.connection_for_write() as connection, self._app.amqp.Producer(connection) as producer:
                for message in messages[:at_once]:
                    self._app.send_task(
                        TRAIN,
                        args=[message.run_id],
                        queue=message.queue,
                        priority=message.priority,
                        producer=producer,
                        retry=False,
                        ignore_result=True,
                    )
                    sent.append(message.run_id)
        except (OperationalError, redis.RedisError, OSError) as error:
            self._paused_until = time.monotonic() + PAUSE_S
            log.warning("broker_unavailable", error=str(error), sent=len(sent), left=len(messages) - len(sent))
        return sent

    def depths(self) -> Mapping[str, int]:
        """Messages that wait in each queue; raises ServiceUnavailable."""
        keys = [(queue, _key(queue, priority)) for queue in QUEUES for priority in PRIORITIES]
        found = dict.fromkeys(QUEUES, 0)
        try:
            pipeline: Any = self._redis.pipeline(transaction=False)
            for _, key in keys:
                pipeline.llen(key)
            for (queue, _), length in zip(keys, pipeline.execute(), strict=True):
                found[queue] += int(length)
        except (redis.RedisError, OSError) as error:
            raise ServiceUnavailable("the queue cannot be reached now") from error
        return found

    def ping(self) -> None:
        """Raises ServiceUnavailable where the broker does not answer."""
        try:
            self._redis.ping()
        except (redis.RedisError, OSError) as error:
            raise ServiceUnavailable("the queue cannot be reached now") from error

    def close(self) -> None:
        """Give back every connection."""
        self._redis.close()
        self._app.close()


def _key(queue: str, priority: int) -> str:
    # Kombu keeps a list for each priority; the first priority's has the queue's own name.
    return f"{queue}{SEPARATOR}{priority}" if priority else queue
