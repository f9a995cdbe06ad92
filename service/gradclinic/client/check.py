"""Checks against a baseline, as objects that can be waited for."""

from collections.abc import Callable
from typing import Any, Self

from .submitted import Submitted, poll


class Check(Submitted):
    """A new result held against a baseline; `print` says what came of it."""

    _path = "/v1/checks"

    @property
    def verdict(self) -> str | None:
        """`pass`, `fail` or `inconclusive`; None until its runs have ended, and where none could be trained."""
        found: str | None = self.data["verdict"]
        return found

    @property
    def summary(self) -> str | None:
        """In plain words: what is worse, in which layers, or how many seeds would decide."""
        found: str | None = self.data["summary"]
        return found

    def wait(self, *, timeout_s: float | None = None, progress: Callable[[dict[str, Any]], None] | None = None) -> Self:
        """Return when it has ended; `progress` is told what it looks like meanwhile. Raises TimeoutError."""
        return poll(self, timeout_s=timeout_s, progress=progress)

    def junit(self) -> bytes:
        """It as JUnit XML, once it has ended."""
        return self.clinic.download(f"{self._path}/{self.id}", format="junit")

    def __str__(self) -> str:
        from ..text.check import check_text

        return check_text(self.data)
