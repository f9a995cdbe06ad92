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
        self.rests = looker is None
        """Whether it looks no more."""

    def do(self, see: Callable[[Looker], None]) -> None:
        """Have it look, unless it rests."""
        if not self.rests:
            self.ask(see)

    def ask(self, about: Callable[[Looker], None]) -> None:
        """Call it even if it rests, for what it has seen."""
        if self._looker is None:
            return
        try:
            about(self._looker)
        except Exception as error:  # no error may stop the training
            self.end()
            log.warning("%s, because the recorder failed", self._loses, exc_info=error)

    def end(self) -> None:
        """Stop observing."""
        self._looker, self.rests = None, True

    def rest(self) -> None:
        """Look no more, and keep what was seen."""
        self.rests = True
