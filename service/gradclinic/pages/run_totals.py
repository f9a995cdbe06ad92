"""The number of runs in a list, which a page that is kept fresh does not count each time."""

from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from threading import Lock
from time import monotonic

MOST_LISTS = 256
TIMES = 20.0
"""A number is kept for this many times as long as it took to count: less than 1/20 of the time is spent on counting."""


@dataclass
class Totals:
    """Remembers numbers; those that are counted in a millisecond are counted again after a few."""

    clock: Callable[[], float] = monotonic
    _known: dict[Hashable, tuple[float, int]] = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock)

    def of(self, key: Hashable, count: Callable[[], int]) -> int:
        """The number of a list, counted now or a moment ago."""
        with self._lock:
            until, total = self._known.get(key, (0.0, 0))
        began = self.clock()
        if began < until:
            return total
        total = count()
        ended = self.clock()
        with self._lock:
            self._known.pop(key, None)
            self._known[key] = (ended + TIMES * (ended - began), total)
            if len(self._known) > MOST_LISTS:
                del self._known[next(iter(self._known))]
        return total
