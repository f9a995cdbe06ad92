"""A study of a user's own model in the user's own process: each arm with each seed is trained here, and recorded."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from pydantic import TypeAdapter, ValidationError

from gradclinic.client import Clinic
from gradclinic.client.spec import RemedyLike, plain_remedies
from gradclinic.client.study import Study
from gradclinic.comparison.arms import BASELINE
from gradclinic.experiments.clipping import Clipping
from gradclinic.experiments.lr_schedules import LrSchedule
from gradclinic.kernel.errors import Conflict, InvalidSpec
from gradclinic.remedies import Remedy, RemedyList

from ..remedies.joining import Batch
from ..remedies.loop import Precision
from .batches import Batches
from .cell import Built, Cell, Program, train
from .declaration import cells_of, codes_of, declare, missing
from .processes import Processes
from .progress import Shown, shown

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
    constant_loss: float | None = None,
    precision: Precision = "float32",
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
    constant_loss: the training loss of always predicting the average. It shows whether the network learned, and is only
    needed if the loss is a function; from a loss module, the recorder finds it.
    precision: bfloat16 or float16 computes the model and the loss under `torch.autocast`; in float16, with a gradient
    scaler. Validation uses it too; the probe is evaluated in float32.
    key: a text without spaces. If you call this again with the same key, for example after an interruption, runs that
    succeeded are not trained again.

    In several processes (torchrun; after `init_process_group`), call it in each of them, with the model as it is: each
    arm is trained by all of them with DistributedDataParallel, each process on its own batches, and recorded as one
    run. A study that is cancelled then ends with the training under way.

    An arm that raises an error is stored as failed, and the others go on. If the study is cancelled in the service, for
    example on its page, the training ends. Raises RemedyDoesNotApply before anything is trained, with the reason of
    each remedy that cannot be applied.
    """
    planned = {BASELINE: (), **{arm: _remedies(arm, given) for arm, given in arms.items() if arm != BASELINE}}
    program = Program.of(
        build,
        batches,
        seeds=seeds,
        steps=steps,
        schedule=schedule,
        clipping=clipping,
        validation=validation,
        constant_loss=constant_loss,
        precision=precision,
    )
    processes = Processes.now()
    steps_of_first = program.steps
    program = replace(program, steps=processes.first(lambda: steps_of_first))
    codes = codes_of(program, planned, seed=seeds[0])

    def declared() -> tuple[Study, list[Cell]]:
        found = declare(clinic, program, planned, codes=codes, seeds=seeds, key=key, name=name, labels=labels)
        return found, missing(found, planned, seeds=seeds)

    found, cells = _in_all(processes, clinic, declared, cells_of(planned, seeds=seeds))
    trial = _Trial(clinic, program, found, processes)
    with shown(found, runs=len(cells), steps=program.steps, show=progress and processes.is_first) as progressed:
        for cell in cells:
            if not trial.goes_on_after(cell, progressed):
                break
    return found.refresh()


def _in_all(
    processes: Processes, clinic: Clinic, declared: Callable[[], tuple[Study, list[Cell]]], every: list[Cell]
) -> tuple[Study, list[Cell]]:
    """The study that the first process declares, and what is to be trained, in all processes."""
    if processes.alone:
        return declared()
    told: list[tuple[Study, list[Cell]]] = []

    def indices() -> list[int]:
        told.append(declared())
        return [index for index, cell in enumerate(every) if cell in told[0][1]]

    chosen = processes.first(indices)
    study_id = processes.first(lambda: told[0][0].id)
    return clinic.get_study(study_id), [every[index] for index in chosen]


@dataclass(frozen=True)
class _Trial:
    """The trainings of one study."""

    clinic: Clinic
    program: Program
    study: Study
    processes: Processes

    def goes_on_after(self, cell: Cell, progressed: Shown) -> bool:
        """Train a cell; False if the study was cancelled."""
        if self.processes.is_first:
            return self.processes.first(lambda: self._train(cell, progressed))
        self._train(cell, progressed)
        return self.processes.first(lambda: True)

    def _train(self, cell: Cell, progressed: Shown) -> bool:
        try:
            run = train(
                self.clinic, self.study.id, self.program, cell, progress=progressed.step, processes=self.processes
            )
        except Conflict:
            if self.study.refresh().status == "running":
                raise
            return False  # it was cancelled
        if run is None:
            return True
        progressed.ended(run)
        return run.status != "canceled"


def _remedies(arm: str, given: Sequence[RemedyLike]) -> tuple[Remedy, ...]:
    try:
        return _REMEDIES.validate_python(tuple(plain_remedies(given)))
    except ValidationError as error:
        first = error.errors()[0]
        place = "/".join(str(part) for part in first["loc"])
        raise InvalidSpec.at(f"/arms/{arm}/remedies/{place}", first["msg"]) from None
