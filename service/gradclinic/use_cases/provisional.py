"""Diagnoses of running runs, computed once per stored progress, regardless of the number of clients."""

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Lock

from ..diagnosis import Diagnosis
from ..store import Run

RUNS = 256
"""Number of runs whose latest diagnosis is kept."""


@dataclass
class _Latest:
    lock: Lock = field(default_factory=Lock)
    progress: tuple[int, int] | None = None
    diagnosis: Diagnosis | None = None


class ProvisionalDiagnoses:
    """The latest diagnosis of each running run. Concurrent requests wait for the same computation."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._latest: OrderedDict[str, _Latest] = OrderedDict()

    def of(self, run: Run, judge: Callable[[], Diagnosis]) -> Diagnosis:
        """The diagnosis of a run at its stored progress; `judge` is called only for the first request."""
        latest, progress = self._entry(run.id), (run.attempt, run.step)
        with latest.lock:
            if latest.diagnosis is None or latest.progress != progress:
                latest.diagnosis, latest.progress = judge(), progress
            return latest.diagnosis

    def _entry(self, run_id: str) -> _Latest:
        with self._lock:
            entry = self._latest.setdefault(run_id, _Latest())
            self._latest.move_to_end(run_id)
            while len(self._latest) > RUNS:
                self._latest.popitem(last=False)
            return entry
