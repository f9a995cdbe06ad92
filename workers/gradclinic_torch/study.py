"""A study of a user's own model in the user's own process: each arm with each seed is trained here, and recorded."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from time import monotonic

from pydantic import TypeAdapter, ValidationError

from gradclinic.client import Clinic
from gradclinic.client.run import Run
from gradclinic.client.spec import RemedyLike, plain_remedies
from gradclinic.client.study import Study
from gradclinic.comparison.arms import BASELINE
from gradclinic.experiments.clipping import Clipping
from gradclinic.experiments.lr_schedules import LrSchedule
from gradclinic.experiments.lr_schedules.constant import Constant
from gradclinic.kernel.errors import InvalidRequest, InvalidSpec, Problem
from gradclinic.remedies import Remedy, RemedyList
from gradclinic.schemas.event import RunEnded, RunEndedEvent, StudyProgress, StudyProgressEvent
from gradclinic.text.console import console_for
from gradclinic.text.progress import Follower, following

from .remedies.joining import Batch
from .remedies.loop import clipping_code, code_between
from .trial.batches import Batches, of_seed, steps_in
from .trial.cell import Built, Cell, Program, train
from .trial.seeding import seeded

SHOWN_EVERY_S = 0.1
"""Seconds between two changes of the progress bar."""
_REMEDIES: TypeAdapter[tuple[Remedy, ...]] = TypeAdapter(RemedyList)


def study(
    clinic: Clinic,
    build: Callable[[], Built],
    batches: Batches,
    arms: Mapping[str, Sequence[RemedyLike]],
    *,
    seeds: Sequence[int] = range(5),
    steps: int | None = None,
    schedule: LrSchedule | None = None,
    clipping: Clipping | None = None,
    validation: Iterable[Batch] | None = None,
    key: str | None = None,
    name: str | None = None,
    labels: Mapping[str, str] | None = None,
    progress: bool = True,
) -> Study:
    """Train your own model in this process, without a remedy and with those of each arm, once for each seed.

    Each training is recorded; together they are a study of the service, with a comparison and a page. Only numbers and
    names are sent. Models are built anew for each training, from the seed.

    build: returns (model, optimizer, loss). The loss is a module, called as loss(model(inputs), targets), or a
    function, called as loss(model, batch), for batches of another form.
    batches: a list, a DataLoader, or a function of the seed that returns them. Every arm gets the same ones.
    steps: the number of optimizer steps; by default that of the batches. They are repeated if there are too few.
    schedule, clipping: those of your program, in every arm that does not change them.
    validation: batches of validation data. After a training, their mean loss decides the verdict.
    key: a text without spaces. If you call this again with the same key, for example after an interruption, runs that
    succeeded are not trained again.

    An arm that raises an error is stored as failed, and the others go on. Raises RemedyDoesNotApply before anything is
    trained, with the reason of each remedy that cannot be applied.
    """
    planned = {BASELINE: (), **{arm: _remedies(arm, given) for arm, given in arms.items() if arm != BASELINE}}
    if not seeds:
        raise InvalidSpec.at("/seeds", "there are no seeds", allowed="at least one")
    program = Program(
        build,
        batches,
        steps if steps is not None else steps_in(of_seed(batches, seeds[0])),
        schedule or Constant(),
        clipping,
        validation,
    )
    clipping_code(clipping)  # raises for one that torch does not have
    codes = _codes(program, planned, seed=seeds[0])
    body = {
        "arms": [
            {"name": arm, "remedies": [each.to_json() for each in remedies], "code": codes[arm]}
            for arm, remedies in planned.items()
        ],
        "seeds": list(seeds),
        "name": name,
        "labels": dict(labels or {}),
    }
    declared = clinic.declare_study(body, key=key)
    trained = {(run.answer.arm, run.answer.seed) for run in declared.runs(status="succeeded")}
    cells = [Cell(arm, remedies, seed) for seed in seeds for arm, remedies in planned.items()]
    missing = [cell for cell in cells if (cell.arm, cell.seed) not in trained]
    with _shown(declared, missing, steps=program.steps, show=progress) as shown:
        for cell in missing:
            shown.ended(train(clinic, declared.id, program, cell, progress=shown.step))
    return declared.refresh()


def _remedies(arm: str, given: Sequence[RemedyLike]) -> tuple[Remedy, ...]:
    try:
        return _REMEDIES.validate_python(tuple(plain_remedies(given)))
    except ValidationError as error:
        first = error.errors()[0]
        place = "/".join(str(part) for part in first["loc"])
        raise InvalidSpec.at(f"/arms/{arm}/remedies/{place}", first["msg"]) from None


def _codes(program: Program, arms: Mapping[str, Sequence[Remedy]], *, seed: int) -> dict[str, str]:
    """What each arm changes, as code; raises InvalidRequest with the problems of all arms."""
    codes: dict[str, str] = {}
    problems: list[Problem] = []
    refused: list[type[InvalidRequest]] = []
    for arm, remedies in arms.items():
        try:
            with seeded(seed):
                codes[arm] = code_between(*program.loops(seed, remedies))
        except InvalidRequest as error:
            refused.append(type(error))
            problems += [problem.under(f"/arms/{arm}") for problem in error.problems]
    if problems:
        raise (refused[0] if len(set(refused)) == 1 else InvalidRequest)(problems)
    return codes


@dataclass
class _Shown:
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
def _shown(found: Study, cells: Sequence[Cell], *, steps: int, show: bool) -> Iterator[_Shown]:
    if not show:
        yield _Shown(None, steps, len(cells))
        return
    what, console = found.answer.name or found.id, console_for(stderr=True)
    with following(console, what=what, steps=steps * len(cells), runs=len(cells), state="building") as follow:
        yield _Shown(follow, steps, len(cells))
