"""Shows the progress of a study that is trained here."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from time import monotonic

from gradclinic.client.run import Run
from gradclinic.client.study import Study
from gradclinic.schemas.event import RunEnded, RunEndedEvent, StudyProgress, StudyProgressEvent
from gradclinic.text.console import console_for
from gradclinic.text.progress import Follower, following

SHOWN_EVERY_S = 0.1
"""Seconds between two changes of the progress bar."""


@dataclass
class Shown:
    """Shows the progress of a study by the events that the service would send."""

    follow: Follower | None
    steps: int
    runs: int
    done: int = 0
    ended_runs: int = 0
    shown_at: float = 0.0

    def step(self, step: int) -> None:
        """So many steps of the present training are done."""
        now = monotonic()
        if self.follow is None or now - self.shown_at < SHOWN_EVERY_S:
            return
        self.shown_at = now
        data = StudyProgress(
            step=self.done + step,
            steps=self.steps * self.runs,
            runs=self.runs,
            by_status={"succeeded": self.ended_runs},
        )
        self.follow(StudyProgressEvent(id="", event="progress", data=data))

    def ended(self, run: Run) -> None:
        """A training has ended."""
        self.done += self.steps
        self.ended_runs += 1
        if self.follow is None:
            return
        answer = run.answer
        data = RunEnded(
            run_id=run.id,
            arm=answer.arm,
            seed=answer.seed,
            status=answer.status,
            primary=None if answer.diagnosis is None else answer.diagnosis.primary,
        )
        self.follow(RunEndedEvent(id="", event="run", data=data))


@contextmanager
def shown(found: Study, *, runs: int, steps: int, show: bool) -> Iterator[Shown]:
    """Show the progress of at most so many runs on standard error, if `show`."""
    if not show:
        yield Shown(None, steps, runs)
        return
    what, console = found.answer.name or found.id, console_for(stderr=True)
    with following(console, what=what, steps=steps * runs, runs=runs, state="building") as follow:
        yield Shown(follow, steps, runs)
