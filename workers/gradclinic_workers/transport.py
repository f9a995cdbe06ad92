"""Kombu's Redis transport for workers, which outlives a message that makes no sense.

As it comes, a message that is no JSON ends the worker; and one whose body or form is wrong goes back to the queue
while the worker ends, and ends the next one.
"""

from collections.abc import Callable
from typing import Any

import structlog
from kombu.transport import redis

log = structlog.get_logger(__name__)

MALFORMED = (ValueError, TypeError, LookupError, AttributeError)
"""What reading a message raises that is not as it should be; a broker that is away raises other errors."""


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


def _drop(error: Exception) -> bool:
    log.warning("message_dropped", reason=repr(error))
    return True
