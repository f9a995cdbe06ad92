"""What the use cases need: the store, the queue, and the settings of this installation."""

from collections.abc import Sequence
from dataclasses import dataclass

from ..measurements.estimate import Limits
from ..queue.messages import Queue
from ..settings import Settings
from ..store import Message, Store
from .dataset import provide_from
from .limits import limits_of


@dataclass(frozen=True)
class Service:
    """One installation, as API, command line and pages see it."""

    settings: Settings
    store: Store
    queue: Queue

    @classmethod
    def of(cls, settings: Settings) -> "Service":
        """The service that the settings speak of; nothing is connected before it is needed."""
        store = Store(settings.database_url)
        provide_from(store)
        return cls(settings, store, Queue(settings))

    @property
    def limits(self) -> Limits:
        """What this installation accepts."""
        return limits_of(self.settings)

    def announce(self, messages: Sequence[Message]) -> None:
        """Tell the workers what is queued; what cannot be told now, the reconciler tells them later."""
        if messages:
            self.queue.announce(self.store, messages)

    def close(self) -> None:
        """Give back what it holds."""
        self.queue.close()
        self.store.close()
