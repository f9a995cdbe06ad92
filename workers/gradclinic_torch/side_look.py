"""A look beside the recording, which may fail on its own."""

import logging
from collections.abc import Callable
from typing import Generic, TypeVar

log = logging.getLogger("gradclinic.recording")


Looker = TypeVar("Looker")


class SideLook(Generic[Looker]):
    """Something that looks at the training, until it fails or is done; the rest is recorded all the same."""

    def __init__(self, looker: Looker | None, *, loses: str) -> None:
        """Without a looker nothing happens. loses: what is not known after a failure, as a sentence begins."""
        self._looker, self._loses = looker, loses

    def do(self, see: Callable[[Looker], None]) -> None:
        """Have it look."""
        if self._looker is None:
            return
        try:
            see(self._looker)
        except Exception as error:  # whatever it is, the training goes on
            self._looker = None
            log.warning("%s, by an error of the recording's own", self._loses, exc_info=error)

    def end(self) -> None:
        """It looks no more."""
        self._looker = None
