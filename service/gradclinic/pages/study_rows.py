"""Studies as rows of a list, each with what it has shown in a sentence."""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field
from threading import Lock

from ..store import Study
from ..use_cases.comparison import compare_study
from ..use_cases.service import Service
from .study import answer

MOST_RUNS = 300
"""Runs that are compared for one page: about a second. The answers of other studies come with the next one."""
MOST_KEPT = 4096


@dataclass(frozen=True)
class StudyRow:
    """A row in a table of studies."""

    study: Study
    answer: str | None
    """Empty before its end, and for a study without arms; None if it is not known yet."""


def is_live(rows: Sequence[StudyRow]) -> bool:
    """Whether any row will change by itself."""
    return any(row.study.status == "running" or row.answer is None for row in rows)


@dataclass
class Answers:
    """Remembers the answers of studies that have ended, which change only with their runs."""

    _known: dict[Hashable, str] = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock)

    def rows(self, service: Service, studies: Sequence[Study]) -> list[StudyRow]:
        """Studies with their answers."""
        left = MOST_RUNS
        rows = []
        for study in studies:
            key = _key(service, study)
            known = "" if study.status == "running" else self._known.get(key)
            if known is None and left > 0:
                left -= study.progress.runs
                known = self._keep(key, answer(compare_study(service, study.id)))
            rows.append(StudyRow(study, known))
        return rows

    def _keep(self, key: Hashable, text: str) -> str:
        with self._lock:
            self._known[key] = text
            if len(self._known) > MOST_KEPT:
                del self._known[next(iter(self._known))]
        return text


def _key(service: Service, study: Study) -> Hashable:
    ended = tuple(study.progress.by_status.items())
    return service.settings.database_url, service.store.project, study.id, study.status, ended


ANSWERS = Answers()
"""Of this process."""
