"""A study of a user's own model in the user's own process: each arm with each seed is trained here, and recorded."""

from collections.abc import Callable, Iterable, Mapping, Sequence

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
from .cell import Built, Program, train
from .declaration import declare, missing
from .progress import shown

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
    declared = declare(clinic, program, planned, seeds=seeds, key=key, name=name, labels=labels)
    cells = missing(declared, planned, seeds=seeds)
    with shown(declared, runs=len(cells), steps=program.steps, show=progress) as progressed:
        for cell in cells:
            try:
                run = train(clinic, declared.id, program, cell, progress=progressed.step)
            except Conflict:
                if declared.refresh().status == "running":
                    raise
                break  # it was cancelled
            progressed.ended(run)
            if run.status == "canceled":
                break
    return declared.refresh()


def _remedies(arm: str, given: Sequence[RemedyLike]) -> tuple[Remedy, ...]:
    try:
        return _REMEDIES.validate_python(tuple(plain_remedies(given)))
    except ValidationError as error:
        first = error.errors()[0]
        place = "/".join(str(part) for part in first["loc"])
        raise InvalidSpec.at(f"/arms/{arm}/remedies/{place}", first["msg"]) from None
