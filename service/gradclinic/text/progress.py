"""Live progress of a run or a study: bars on a terminal, otherwise plain lines."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from ..kernel.status import ENDED
from ..schemas.event import (
    EventAnswer,
    RunEnded,
    RunEndedEvent,
    RunProgress,
    RunProgressEvent,
    StatusEvent,
    StudyProgress,
    StudyProgressEvent,
)
from .numbers import at_point


class Follower(Protocol):
    """A callback for events."""

    def __call__(self, event: EventAnswer, /) -> None:
        """One event of the API."""


@contextmanager
def following(
    console: Console, *, what: str, steps: int, runs: int = 1, state: str = "waiting for a worker"
) -> Iterator[Follower]:
    """A follower of one run, or of a study with `runs` runs and `steps` steps in total; `state` is the first one."""
    if not console.is_terminal:
        yield _Lines(console, what=what, runs=runs)
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(bar_width=36),
        TaskProgressColumn(),
        TextColumn("{task.fields[state]}"),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, transient=True) as progress:
        progress.add_task(what, total=steps, state=state)
        yield _Bar(progress, runs=runs)


class _Bar:
    """A progress bar over the steps, with the number of ended runs, and a line above it for each ended run."""

    def __init__(self, progress: Progress, *, runs: int) -> None:
        self._progress, self._task, self._runs = progress, progress.task_ids[0], runs
        self._ended = 0

    def __call__(self, event: EventAnswer, /) -> None:
        """Move the bar."""
        match event:
            case RunProgressEvent(data=data):
                self._progress.update(self._task, completed=data.step, state=_steps(data))
            case StudyProgressEvent(data=data):
                self._progress.update(self._task, completed=data.step, state=_runs(data))
            case RunEndedEvent(data=data):
                self._ended += 1
                self._progress.console.print(_ended(data, self._ended, self._runs), style="dim")
            case StatusEvent(data=data):
                self._progress.update(self._task, state=data.status)


class _Lines:
    """A line for each run that ends, or for each tenth one if there are many."""

    def __init__(self, console: Console, *, what: str, runs: int) -> None:
        self._console, self._what, self._runs = console, what, runs
        self._ended, self._tenth = 0, -1

    def __call__(self, event: EventAnswer, /) -> None:
        """Print important events."""
        match event:
            case RunEndedEvent(data=data):
                self._ended += 1
                if self._runs <= 60 or self._ended * 10 // self._runs > (self._ended - 1) * 10 // self._runs:
                    self._say(_ended(data, self._ended, self._runs))
            case RunProgressEvent(data=data):
                self._at(data.step, data.steps, _steps(data))
            case StudyProgressEvent(data=data) if self._runs == 1:
                self._at(data.step, data.steps, _count(data.step, data.steps))
            case StatusEvent(data=data):
                self._say(f"{self._what}: {data.status} ({data.reason.text})")

    def _at(self, step: int, steps: int | None, words: str) -> None:
        tenth = step * 10 // max(steps or 1, 1)
        if tenth > self._tenth:
            self._tenth = tenth
            self._say(f"{self._what}: {words}")

    def _say(self, line: str) -> None:
        self._console.file.write(line + "\n")
        self._console.file.flush()


def _steps(data: RunProgress) -> str:
    found = [condition.replace("_", " ") for condition in data.so_far]
    return _count(data.step, data.steps) + (f" ({', '.join(found)})" if found else "")


def _count(step: int, steps: int | None) -> str:
    planned = "" if steps is None else f" of {steps:,}"
    return f"step {step:,}{planned}"


def _runs(data: StudyProgress) -> str:
    ended = sum(data.by_status.get(status, 0) for status in ENDED)
    return f"{ended} of {data.runs} runs"


def _ended(data: RunEnded, ended: int, runs: int) -> str:
    width = len(str(runs))
    outcome = (data.primary or data.status).replace("_", " ")
    return f"  {ended:>{width}}/{runs}  {data.arm}{at_point(data.sweep_point)}, seed {data.seed}: {outcome}"
