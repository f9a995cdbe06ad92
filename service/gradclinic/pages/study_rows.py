"""Studies as rows of a list, each with what it has shown in a sentence."""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field
from threading import Lock

from ..comparison import Comparison
from ..store import Study
from ..use_cases.comparison import compare_study
from ..use_cases.service import Service
from . import filters
from .study import answer

MOST_RUNS = 300
"""Runs that are compared for one page: about a second. The answers of other studies come with the next one."""
MOST_KEPT = 4096


@dataclass(frozen=True)
class StudyRow:
    """A row in a table of studies."""

    study: Study
    answer: str | None
    """Empty before its end; None if it is not known yet."""


def is_live(rows: Sequence[StudyRow]) -> bool:
    """Whether any row will change by itself."""
    return any(row.study.status == "running" or row.answer is None for row in rows)


def _found(comparison: Comparison) -> str:
    """The answer of a study; for the baseline alone at one point, the conditions of its runs."""
    if found := answer(comparison):
        return found
    runs = comparison.baseline_runs
    alone = [f"{filters.words(name)} in {count}" for name, count in comparison.baseline_conditions.items()]
    return filters.capital(f"{', '.join(alone)} of {runs} run{'s' if runs > 1 else ''}.") if alone else ""


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
                known = self._keep(key, _found(compare_study(service, study.id)))
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
