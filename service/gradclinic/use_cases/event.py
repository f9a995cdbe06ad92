"""The events of a run, or of a study, a check or a prescription with its runs, after a position, derived from its
stored state.

The id of an event is the position of its reader: `3.120.1` is after the third change of state, step 120 and one
finding. So a reader that comes back with the last id it saw gets exactly what it has missed, from any process.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from ..diagnosis import Finding
from ..diagnosis.rules import NOTHING_WRONG
from ..kernel.errors import InvalidRequest
from ..kernel.json import JsonObject
from ..kernel.status import ENDED, RunStatus, StudyStatus
from ..store import Check, Prescription, Reason, RunSummary, Study, Transition
from .diagnosis import provisional
from .service import Service

WithRuns = Study | Check | Prescription


@dataclass(frozen=True)
class Position:
    """The position of a reader of events."""

    changes: int = 0
    """Number of status changes of a run seen, or of ended runs of a study."""
    steps: int = 0
    """Steps seen."""
    findings: int = 0
    """Number of findings seen, plus 1 if the end was seen."""

    def __str__(self) -> str:
        return f"{self.changes}.{self.steps}.{self.findings}"

    @classmethod
    def parse(cls, text: str | None) -> "Position":
        """The position of an id; the beginning for None."""
        if not text:
            return cls()
        parts = text.split(".")
        if len(parts) != 3 or not all(part.isascii() and part.isdigit() and len(part) <= 12 for part in parts):
            shown = text[:50]
            raise InvalidRequest.at("", f"{shown!r} is not an event id", value=shown, allowed="the id of an event")
        return cls(*(int(part) for part in parts))


@dataclass(frozen=True)
class StatusChange:
    """A run changed its status."""

    status: RunStatus
    step: int
    attempt: int
    reason: Reason


@dataclass(frozen=True)
class RunProgress:
    """More steps of a run have been recorded."""

    step: int
    steps: int | None
    so_far: Sequence[str]
    """The conditions in the record so far."""


@dataclass(frozen=True)
class RunDone:
    """A run has ended; no more events follow."""

    status: RunStatus
    primary: str | None


@dataclass(frozen=True)
class RunEnded:
    """A run of a study has ended."""

    run_id: str
    arm: str | None
    seed: int
    sweep_point: JsonObject | None
    status: RunStatus
    primary: str | None


@dataclass(frozen=True)
class StudyProgress:
    """More steps of a study's runs have been recorded."""

    runs: int
    by_status: Mapping[RunStatus, int]
    step: int
    steps: int


@dataclass(frozen=True)
class StudyDone:
    """All runs of a study have ended; no more events follow."""

    status: StudyStatus


EventData = StatusChange | RunProgress | Finding | RunDone | RunEnded | StudyProgress | StudyDone


@dataclass(frozen=True)
class Event:
    """An event."""

    id: str
    event: Literal["status", "progress", "finding", "run", "done"]
    data: EventData


@dataclass(frozen=True)
class News:
    """The events after a position, and the position after them."""

    items: tuple[Event, ...]
    position: Position
    done: bool
    """Whether no more events will follow."""

    @property
    def last_id(self) -> str:
        """The id to request later events with."""
        return str(self.position)


def run_news(service: Service, run_id: str, since: Position) -> News:
    """Status changes, progress, findings and the end of a run; raises NotFound."""
    (run,) = service.store.runs.get_many([run_id])
    return _news(_run_events(service, run, since), since, done=run.ended)


def _news(found: Iterator[tuple[Event, Position]], since: Position, *, done: bool) -> News:
    both = list(found)
    return News(tuple(event for event, _ in both), both[-1][1] if both else since, done=done)


def _run_events(service: Service, run: RunSummary, at: Position) -> Iterator[tuple[Event, Position]]:
    """The events since `at`, in the order in which a continuous reader would have received them; the end comes last."""
    changes = [change for change in _changes(service, run, at) if change.number > at.changes]
    last = changes.pop() if changes and run.ended else None
    for change in changes:
        at = replace(at, changes=change.number)
        yield _status_event(change, at), at
    if run.step > at.steps:
        at = replace(at, steps=run.step)
        yield Event(str(at), "progress", RunProgress(run.step, run.steps or None, _so_far(service, run))), at
    findings = run.diagnosis.findings if run.diagnosis is not None else ()
    for number in range(at.findings, len(findings)):
        at = replace(at, findings=number + 1)
        yield Event(str(at), "finding", findings[number]), at
    if last is not None:
        at = replace(at, changes=last.number)
        yield _status_event(last, at), at
    if run.ended and at.findings <= len(findings):
        at = replace(at, findings=len(findings) + 1)
        primary = run.diagnosis.primary if run.diagnosis is not None else None
        yield Event(str(at), "done", RunDone(run.status, primary)), at


_JUDGED_LIVE = 20_000
"""Maximum number of steps for provisional diagnoses, because each one reads the whole record of the run."""


def _so_far(service: Service, run: RunSummary) -> list[str]:
    """The conditions found in a run's record so far. Whether they do harm is known only when the run has ended."""
    if run.diagnosis is not None:
        found = [finding.condition for finding in run.diagnosis.findings]
    elif run.ended or run.step > _JUDGED_LIVE:
        found = []
    else:
        whole = service.store.runs.get(run.id)
        judged = provisional(service, whole).findings if whole.layout is not None else ()
        found = [finding.condition for finding in judged]
    return [condition for condition in found if condition not in NOTHING_WRONG]


def _changes(service: Service, run: RunSummary, at: Position) -> list[Transition]:
    return service.store.runs.transitions(run.id) if run.transition_count > at.changes else []


def _status_event(change: Transition, at: Position) -> Event:
    return Event(str(at), "status", StatusChange(change.status, change.step, change.attempt, change.reason))


def study_news(service: Service, study_id: str, since: Position) -> News:
    """Progress, ended runs and the end of a study; raises NotFound."""
    return _news_of_runs(service.store.studies.get(study_id), since, lambda: service.store.runs.of_study(study_id))


def check_news(service: Service, check_id: str, since: Position) -> News:
    """The same of a check, which ends with its verdict; raises NotFound."""
    return _news_of_runs(service.store.checks.get(check_id), since, lambda: service.store.checks.runs(check_id))


def prescription_news(service: Service, prescription_id: str, since: Position) -> News:
    """The same of a prescription, with the runs of all rounds so far; raises NotFound."""
    found = service.store.prescriptions.get(prescription_id)
    return _news_of_runs(found, since, lambda: [*service.store.prescriptions.trials(prescription_id).values()])


def _news_of_runs(found: WithRuns, since: Position, runs: Callable[[], Sequence[RunSummary]]) -> News:
    return _news(_events_of_runs(found, since, runs), since, done=found.status != "running")


def _events_of_runs(
    found: WithRuns, at: Position, runs: Callable[[], Sequence[RunSummary]]
) -> Iterator[tuple[Event, Position]]:
    ended = sum(found.progress.by_status.get(status, 0) for status in ENDED)
    if ended > at.changes:
        over = [run for run in runs() if run.ended]
        for run in sorted(over, key=lambda each: (each.ended_at or each.created_at, each.id))[at.changes :]:
            at = replace(at, changes=at.changes + 1)
            primary = run.diagnosis.primary if run.diagnosis is not None else None
            yield Event(str(at), "run", RunEnded(run.id, run.arm, run.seed, run.point, run.status, primary)), at
    progress = found.progress
    if progress.steps_done > at.steps:
        at = replace(at, steps=progress.steps_done)
        data = StudyProgress(progress.runs, progress.by_status, progress.steps_done, progress.steps)
        yield Event(str(at), "progress", data), at
    if found.status != "running" and not at.findings:
        at = replace(at, findings=1)
        yield Event(str(at), "done", StudyDone(found.status)), at
