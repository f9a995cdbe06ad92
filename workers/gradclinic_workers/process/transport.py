"""Kombu's transport and Celery's consumer, made robust against malformed messages and broker errors.

By default, a message that is not JSON stops the worker. A message with a wrong body or form is returned to the queue
while the worker stops, and then stops the next worker.
"""

import json
import time
from collections.abc import Callable
from typing import Any

import structlog
from celery.worker import consumer
from kombu.exceptions import ContentDisallowed, DecodeError
from kombu.transport import redis
from redis.exceptions import ResponseError

log = structlog.get_logger(__name__)

MALFORMED = (ValueError, TypeError, LookupError, AttributeError, ContentDisallowed, DecodeError)
"""Errors raised by malformed messages; an unreachable broker raises other errors."""
HEADERS = frozenset({"lang", "task", "id", "root_id", "parent_id"})
"""Headers that a task needs. Celery acts on others (time limits, start times), and a wrong one stops the worker."""
PAUSE_S = 5.0
"""Seconds before another try if the broker rejects commands because it is out of memory or read-only."""


class Channel(redis.Channel):
    """A channel that drops unreadable messages and logs it."""

    def basic_consume(self, queue: str, no_ack: Any, callback: Callable[[Any], Any], *args: Any, **kwargs: Any) -> Any:
        """Receive messages; one that the callback cannot process is acknowledged, so it is not delivered again.

        The callback sees only `HEADERS`, and of the body only the run's id.
        """

        def guarded(message: Any) -> Any:
            try:
                message.headers = {name: value for name, value in message.headers.items() if name in HEADERS}
                _keep_only_run_id(message)
                return callback(message)
            except MALFORMED as error:
                message.ack()
                return _drop(error)

        return super().basic_consume(queue, no_ack, guarded, *args, **kwargs)  # type: ignore[no-untyped-call]

    def _brpop_read(self, **options: Any) -> Any:
        try:
            return super()._brpop_read(**options)  # type: ignore[no-untyped-call]
        except ValueError as error:  # not JSON or not text; it has already left the queue
            return _drop(error)


class Transport(redis.Transport):
    """The transport that uses the channel above."""

    Channel = Channel

    def _deliver(self, message: Any, queue: str) -> None:
        try:
            super()._deliver(message, queue)  # type: ignore[no-untyped-call]
        except MALFORMED as error:  # JSON, but not a message
            _drop(error)


class Consumer(consumer.Consumer):  # type: ignore[misc]  # Celery has no types
    """A consumer that waits before reconnecting when the broker rejects a command, to avoid flooding the log."""

    def on_connection_error_before_connected(self, exc: Exception) -> None:
        """Log the error, then wait."""
        super().on_connection_error_before_connected(exc)
        _pause_if_refused(exc)

    def on_connection_error_after_connected(self, exc: Exception) -> None:
        """Log the error, then wait."""
        super().on_connection_error_after_connected(exc)
        _pause_if_refused(exc)


def _keep_only_run_id(message: Any) -> None:
    """Remove from a message's body what Celery would act on: callbacks, chains, chords and further arguments.

    Raises ValueError or TypeError if the body is not that of a task with one text as its argument.
    """
    if not isinstance(message.payload, list):
        raise TypeError("the body is not a list")
    arguments, _, _ = message.payload
    (run_id,) = arguments
    if not isinstance(arguments, list) or not isinstance(run_id, str):
        raise TypeError("the argument is not the id of a run")
    body = [[run_id], {}, {}]
    message.body = json.dumps(body).encode()
    message._decoded_cache = body


def _pause_if_refused(error: Exception) -> None:
    if isinstance(error, ResponseError):
        time.sleep(PAUSE_S)


def _drop(error: Exception) -> bool:
    log.warning("message_dropped", reason=repr(error))
    return True
