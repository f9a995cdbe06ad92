"""Sends the messages of the queue. A message has the id of a run, and is a hint: the database is the source of truth.
Which run is next is decided there, too, when a worker claims one.

If a message cannot be sent, the reconciler sends it later. This module imports neither torch nor the workers.
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
from redis.backoff import NoBackoff
from redis.retry import Retry

from ..kernel.errors import ServiceUnavailable
from ..settings import Settings
from ..store import Message

log = structlog.get_logger(__name__)

TRAIN = "gradclinic.train"
QUEUES = ("cpu", "gpu")
SENT_AT_ONCE = 64
"""Number of messages that a request sends. The reconciler sends the rest, so large studies are accepted quickly."""
PAUSE_S = 3.0
"""Seconds to wait after a failed attempt to reach the broker, so that requests do not pile up."""


PATIENT: dict[str, object] = {"socket_timeout": 10}
"""Options of a worker's connection, which retries forever."""
BRIEF: dict[str, object] = {"socket_timeout": 1, "max_retries": 1, "interval_start": 0, "interval_step": 0}
"""Options of a producer's connection, which gives up quickly: a client is waiting, and the reconciler retries."""


def celery_app(settings: Settings, *, connection: Mapping[str, Any] = PATIENT) -> Celery:
    """Celery configured for both sides: JSON only, early acknowledgement, no results, one run at a time."""
    app = Celery("gradclinic", broker=settings.broker, set_as_current=False)
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
        worker_proc_alive_timeout=300.0,  # a child imports torch before it reports that it is up
        worker_cancel_long_running_tasks_on_connection_loss=False,
        worker_hijack_root_logger=False,
        worker_redirect_stdouts=False,
        worker_send_task_events=False,
        worker_enable_remote_control=False,
        broker_connection_retry_on_startup=True,
        broker_connection_max_retries=None,
        broker_channel_error_retry=True,  # a broker that is out of memory or read-only does not stop the worker
        broker_transport_options={
            "visibility_timeout": 86_400,
            **connection,
            "socket_connect_timeout": 2,
            "socket_keepalive": True,
            "queue_order_strategy": "priority",
        },
    )
    return app


def owner_prefix(worker_pid: int) -> str:
    """Prefix of the lease owner names of one worker's children.

    Host names are not unique (containers, cloned machines), and neither are process ids.
    """
    return f"{socket.gethostname()}-{_place()}/{worker_pid}/"


@cache
def _place() -> str:
    """Eight digits that are unique among running machines and containers."""
    known = ""
    with suppress(OSError):  # a sandbox may provide neither
        known += Path("/proc/sys/kernel/random/boot_id").read_text("ascii")
        known += str(Path("/proc/self/ns/pid").stat().st_ino)
    return hashlib.sha256(known.encode()).hexdigest()[:8]


class Queue:
    """The producer side of the queues. It waits at most a few seconds, and sending never raises."""

    def __init__(self, settings: Settings) -> None:
        self._app = celery_app(settings, connection=BRIEF)
        self._redis = redis.Redis.from_url(
            settings.broker, socket_timeout=0.5, socket_connect_timeout=0.5, retry=Retry(NoBackoff(), 0)
        )
        self._paused_until = 0.0

    def send(self, messages: Sequence[Message], *, at_once: int = SENT_AT_ONCE) -> list[str]:
        """Send a message for each run; returns the ids of the runs whose message the broker accepted."""
        sent: list[str] = []
        if not messages or time.monotonic() < self._paused_until:
            return sent
        try:
            self._redis.ping()  # detects a frozen broker faster than sending does
            with self._app.connection_for_write() as connection, self._app.amqp.Producer(connection) as producer:
                for message in messages[:at_once]:
                    self._app.send_task(
                        TRAIN,
                        args=[message.run_id],
                        queue=message.queue,
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
        """Number of messages waiting in each queue; raises ServiceUnavailable."""
        pipeline: Any = self._redis.pipeline(transaction=False)
        for queue in QUEUES:
            pipeline.llen(queue)
        try:
            return dict(zip(QUEUES, map(int, pipeline.execute()), strict=True))
        except (redis.RedisError, OSError) as error:
            raise ServiceUnavailable("the queue is unreachable; try again later") from error

    def ping(self) -> None:
        """Raises ServiceUnavailable if the broker does not answer."""
        try:
            self._redis.ping()
        except (redis.RedisError, OSError) as error:
            raise ServiceUnavailable("the queue is unreachable; try again later") from error

    def close(self) -> None:
        """Close all connections."""
        self._redis.close()
        self._app.close()
