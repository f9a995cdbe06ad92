"""What the use cases need: the store, the queue, and the settings of this installation."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..experiments.datasets import Uploads
from ..experiments.experiment import Experiment
from ..measurements.estimate import Limits
from ..queue.messages import Queue
from ..settings import Settings
from ..store import Message, Store
from .dataset import uploads_in
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
        return cls(settings, Store(settings.database_url), Queue(settings))

    @property
    def limits(self) -> Limits:
        """What this installation accepts."""
        return limits_of(self.settings)

    @property
    def uploads(self) -> Uploads:
        """The data sets that were uploaded to this installation."""
        return uploads_in(self.store)

    def experiment(self, stored: Mapping[str, Any]) -> Experiment:
        """A stored experiment, knowing the rows of its uploaded data."""
        return Experiment.model_validate(stored).with_uploads(self.uploads)

    def announce(self, messages: Sequence[Message]) -> None:
        """Tell the workers what is queued; what cannot be told now, the reconciler tells them later."""
        if messages:
            self.queue.announce(self.store, messages)

    def close(self) -> None:
        """Give back what it holds."""
        self.queue.close()
        self.store.close()
