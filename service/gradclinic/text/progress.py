"""Live progress of a run or a study: bars on a terminal, plain lines elsewhere."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from ..kernel.json import JsonObject
from ..kernel.status import ENDED
from ..schemas import EventAnswer


class Follower(Protocol):
    """What is told each event."""

    def __call__(self, event: EventAnswer, /) -> None:
        """One event of the API."""


@contextmanager
def following(console: Console, *, what: str, steps: int, runs: int = 1) -> Iterator[Follower]:
    """A follower of one run, or of a study of `runs` runs and `steps` steps in all."""
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
        progress.add_task(what, total=steps, state="waiting for a worker")
        yield _Bar(progress, runs=runs)


class _Bar:
    """One bar over the steps, with how many runs have ended, and a line above it for each."""

    def __init__(self, progress: Progress, *, runs: int) -> None:
        self._progress, self._task, self._runs = progress, progress.task_ids[0], runs
        self._ended = 0

    def __call__(self, event: EventAnswer, /) -> None:
        """Move the bar."""
        data = event.data
        match event.event:
            case "progress":
                self._progress.update(self._task, completed=data["step"], state=self._state(data))
            case "run":
                self._ended += 1
                self._progress.console.print(_ended(data, self._ended, self._runs), style="dim")
            case "status":
                self._progress.update(self._task, state=data["status"])

    def _state(self, data: JsonObject) -> str:
        if "by_status" not in data:
            return f"{_steps(data)}{_so_far(data)}"
        ended = sum(data["by_status"].get(status, 0) for status in ENDED)
        return f"{ended} of {data['runs']} runs"


class _Lines:
    """A line for each run that ends, or for each tenth of them where there are many."""

    def __init__(self, console: Console, *, what: str, runs: int) -> None:
        self._console, self._what, self._runs = console, what, runs
        self._ended, self._tenth = 0, -1

    def __call__(self, event: EventAnswer, /) -> None:
        """Print what is worth a line."""
        data = event.data
        match event.event:
            case "run":
                self._ended += 1
                if self._runs <= 60 or self._ended * 10 // self._runs > (self._ended - 1) * 10 // self._runs:
                    self._say(_ended(data, self._ended, self._runs))
            case "progress" if self._runs == 1:
                tenth = data["step"] * 10 // max(data["steps"] or 1, 1)
                if tenth > self._tenth:
                    self._tenth = tenth
                    self._say(f"{self._what}: {_steps(data)}{_so_far(data)}")
            case "status":
                self._say(f"{self._what}: {data['status']} ({data['reason']['text']})")

    def _say(self, line: str) -> None:
        self._console.file.write(line + "\n")
        self._console.file.flush()


def _steps(data: JsonObject) -> str:
    planned = "" if data["steps"] is None else f" of {data['steps']:,}"
    return f"step {data['step']:,}{planned}"


def _so_far(data: JsonObject) -> str:
    found = [str(condition).replace("_", " ") for condition in data.get("so_far", ())]
    return f" ({', '.join(found)})" if found else ""


def _ended(data: JsonObject, ended: int, runs: int) -> str:
    width = len(str(runs))
    outcome = str(data["primary"] or data["status"]).replace("_", " ")
    return f"  {ended:>{width}}/{runs}  {data['arm']}, seed {data['seed']}: {outcome}"
