"""An observation beside the recording, which may fail without ending it."""

import logging
from collections.abc import Callable
from typing import Generic, TypeVar

log = logging.getLogger("gradclinic.recording")


Looker = TypeVar("Looker")


class SideLook(Generic[Looker]):
    """Observes the training until it fails or is done; the recording continues in any case."""

    def __init__(self, looker: Looker | None, *, loses: str) -> None:
        """Without a looker nothing happens. loses: what is not known after a failure, as a sentence begins."""
        self._looker, self._loses = looker, loses

    def do(self, see: Callable[[Looker], None]) -> None:
        """Have it look."""
        if self._looker is None:
            return
        try:
            see(self._looker)
        except Exception as error:  # no error may stop the training
            self._looker = None
            log.warning("%s, because the recorder failed", self._loses, exc_info=error)

    def end(self) -> None:
        """Stop observing."""
        self._looker = None
