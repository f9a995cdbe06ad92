"""How workers take messages: Kombu's transport and Celery's consumer, made to outlive nonsense and refusals.

As it comes, a message that is no JSON ends the worker; and one whose body or form is wrong goes back to the queue
while the worker ends, and ends the next one.
"""

import time
from collections.abc import Callable
from typing import Any

import structlog
from celery.worker import consumer
from kombu.transport import redis
from redis.exceptions import ResponseError

log = structlog.get_logger(__name__)

MALFORMED = (ValueError, TypeError, LookupError, AttributeError)
"""What reading a message raises that is not as it should be; a broker that is away raises other errors."""
PAUSE_S = 5.0
"""Seconds before another try where the broker answers, but refuses: it is out of memory, or a replica."""


class Channel(redis.Channel):
    """A channel that drops what cannot be read, and says so."""

    def basic_consume(self, queue: str, no_ack: Any, callback: Callable[[Any], Any], *args: Any, **kwargs: Any) -> Any:
        """Take messages; one that the callback cannot make sense of is acknowledged, so that it does not come again."""

        def guarded(message: Any) -> Any:
            try:
                return callback(message)
            except MALFORMED as error:
                message.ack()
                return _drop(error)

        return super().basic_consume(queue, no_ack, guarded, *args, **kwargs)  # type: ignore[no-untyped-call]

    def _brpop_read(self, **options: Any) -> Any:
        try:
            return super()._brpop_read(**options)  # type: ignore[no-untyped-call]
        except ValueError as error:  # no JSON, or no text: it has left the queue already
            return _drop(error)


class Transport(redis.Transport):
    """The transport with that channel."""

    Channel = Channel

    def _deliver(self, message: Any, queue: str) -> None:
        try:
            super()._deliver(message, queue)  # type: ignore[no-untyped-call]
        except MALFORMED as error:  # JSON, but no message
            _drop(error)


class Consumer(consumer.Consumer):  # type: ignore[misc]  # Celery has no types
    """A consumer that does not connect anew at once where the broker refuses a command, which would fill the log."""

    def on_connection_error_before_connected(self, exc: Exception) -> None:
        """Say so; then wait."""
        super().on_connection_error_before_connected(exc)
        _pause_if_refused(exc)

    def on_connection_error_after_connected(self, exc: Exception) -> None:
        """Say so; then wait."""
        super().on_connection_error_after_connected(exc)
        _pause_if_refused(exc)


def _pause_if_refused(error: Exception) -> None:
    if isinstance(error, ResponseError):
        time.sleep(PAUSE_S)


def _drop(error: Exception) -> bool:
    log.warning("message_dropped", reason=repr(error))
    return True
