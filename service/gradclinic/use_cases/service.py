"""The store, the queue and the settings, which all use cases need."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import structlog
from pydantic import ValidationError

from ..experiments.datasets import Uploads
from ..experiments.experiment import Experiment
from ..kernel.errors import DamagedData, ServiceUnavailable
from ..kernel.json import JsonObject
from ..measurements.estimate import Limits
from ..queue.messages import SENT_AT_ONCE, Queue
from ..settings import Settings
from ..store import Message, Store
from .dataset import uploads_in
from .limits import limits_of, quota_of
from .provisional import ProvisionalDiagnoses

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Service:
    """One installation, shared by API, command line and pages, for the resources of one project."""

    settings: Settings
    store: Store
    queue: Queue
    provisional: ProvisionalDiagnoses = field(default_factory=ProvisionalDiagnoses, repr=False, compare=False)
    """The diagnoses of running runs."""

    @classmethod
    def of(cls, settings: Settings) -> "Service":
        """The service with these settings, for the project `default`. It connects only when needed."""
        return cls(settings, Store(settings.database_url, quota=quota_of(settings)), Queue(settings))

    def within(self, project: str) -> "Service":
        """The same installation for the resources of one project."""
        return replace(self, store=self.store.within(project))

    def everywhere(self) -> "Service":
        """The same installation for the resources of all projects, as workers and the reconciler need it."""
        return replace(self, store=self.store.everywhere())

    @property
    def limits(self) -> Limits:
        """The limits of this installation."""
        return limits_of(self.settings)

    @property
    def uploads(self) -> Uploads:
        """The uploaded data sets of this installation."""
        return uploads_in(self.store)

    def experiment(self, stored: JsonObject) -> Experiment:
        """A stored experiment, with access to its uploaded data. Raises DamagedData if it is not one."""
        try:
            return Experiment.model_validate(stored).with_uploads(self.uploads)
        except ValidationError:
            raise DamagedData("the experiment that is stored is damaged") from None

    def announce(self, messages: Sequence[Message], *, at_once: int = SENT_AT_ONCE) -> int:
        """Tell the workers which runs are queued, and store that they were told; the number of runs.

        The reconciler sends the rest later: what the broker did not take, and what is beyond `at_once`.
        """
        sent = self.queue.send(messages, at_once=at_once)
        try:
            self.store.reconciliation.mark_sent(sent)
        except ServiceUnavailable:  # then they are sent twice, which does no harm
            log.warning("messages_will_be_sent_again", runs=len(sent))
        return len(sent)

    def close(self) -> None:
        """Close all connections."""
        self.queue.close()
        self.store.close()
