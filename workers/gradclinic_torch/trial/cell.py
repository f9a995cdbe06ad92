"""One training of a study in the user's own process: one arm with one seed, recorded into the service."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import get_args

import torch
from torch import Tensor, nn
from torch.optim.lr_scheduler import LambdaLR
from typing_extensions import Self

from gradclinic.client import Clinic
from gradclinic.client.run import Run
from gradclinic.diagnosis import Diagnosis
from gradclinic.experiments.clipping import Clipping
from gradclinic.experiments.clipping.norm import NormClipping
from gradclinic.experiments.clipping.value import ValueClipping
from gradclinic.experiments.lr_schedules import LrSchedule
from gradclinic.experiments.lr_schedules.constant import Constant
from gradclinic.kernel.errors import InvalidSpec, ServiceUnavailable
from gradclinic.measurements.record import RunRecord
from gradclinic.measurements.recording import printable
from gradclinic.remedies import Remedy

from ..recording import Recording, error_in_words
from ..remedies import Loop, apply_all
from ..remedies.joining import Batch
from ..remedies.loop import LossLike, Precision, clipping_code
from .batches import Batches, first_of, of_seed, probe_of, repeated, steps_in
from .processes import Processes, check_plain, within
from .seeding import seed_all, seeded

Built = tuple[nn.Module, torch.optim.Optimizer, LossLike]
"""A model, the optimizer of its parameters, and its loss."""
ONE = Processes(0, 1, None)
SEEDS_APART = 2**20
"""Between the seeds of two processes, so that their dropout differs."""
PATIENCE_S = 60.0
"""Seconds to wait for the service at the end of each training."""


@dataclass(frozen=True)
class Program:
    """What all arms of a study have in common: how the user's program builds and trains its model."""

    build: Callable[[], Built]
    batches: Batches
    steps: int
    schedule: LrSchedule
    clipping: Clipping | None
    validation: Iterable[Batch] | None
    constant_loss: float | None
    precision: Precision = "float32"

    @classmethod
    def of(
        cls,
        build: Callable[[], Built],
        batches: Batches,
        *,
        seeds: Sequence[int],
        steps: int | None,
        schedule: LrSchedule | None,
        clipping: Clipping | None,
        validation: Iterable[Batch] | None,
        constant_loss: float | None,
        precision: Precision,
    ) -> "Program":
        """The program that a user describes; raises InvalidRequest for what cannot be trained."""
        if not seeds:
            raise InvalidSpec.at("/seeds", "there are no seeds", allowed="at least one")
        clipping_code(clipping)  # raises for one that torch does not have
        known = steps_in(of_seed(batches, seeds[0])) if steps is None else steps
        if precision not in get_args(Precision):
            raise InvalidSpec.at(
                "/precision", "unknown precision", value=precision, allowed=", ".join(get_args(Precision))
            )
        return cls(build, batches, known, schedule or Constant(), clipping, validation, constant_loss, precision)

    def loops(self, seed: int, remedies: Sequence[Remedy]) -> tuple[Loop, Loop]:
        """The program's loop, built anew, and the same with the remedies; raises RemedyDoesNotApply.

        All random generators are seeded before the model is built.
        """
        batch = first_of(self.batches, seed)
        seed_all(seed)
        model, optimizer, loss = self.build()
        check_plain(model)
        loop = Loop(
            model=model,
            optimizer=optimizer,
            loss=loss,
            steps=self.steps,
            batch=batch,
            sample=lambda: probe_of(of_seed(self.batches, seed)),
            schedule=self.schedule,
            clipping=self.clipping,
            precision=self.precision,
        )
        return loop, apply_all(loop, remedies)


@dataclass(frozen=True)
class Cell:
    """One arm of a study and one seed."""

    arm: str
    remedies: Sequence[Remedy]
    seed: int


def train(
    clinic: Clinic,
    study_id: str,
    program: Program,
    cell: Cell,
    *,
    progress: Callable[[int], None] | None = None,
    processes: Processes = ONE,
) -> Run | None:
    """Train and record one cell of a study; `progress` is called with the number of steps that are done.

    Of several processes, all train it together, and only the first one records it; the others get None.

    An error of the program ends the run as failed. Whatever else ends the program, such as Ctrl-C, does so as well, and
    goes on to the caller. Raises ServiceUnavailable if the service did not get the whole run.
    """
    with seeded(cell.seed):
        recording: Recording | None = None
        failure: str | None = None
        validated = Validated()
        try:
            _, loop = program.loops(cell.seed, cell.remedies)
            loop = replace(loop, model=processes.parallel(loop.model))
            scaler = _scaler_of(loop)
            first = processes.is_first
            recording = _recording(
                program,
                loop,
                scaler,
                seed=cell.seed,
                to=clinic if first else None,
                study=study_id if first else None,
                arm=cell.arm if first else None,
                alone=processes.alone,
            )
            seed_all(cell.seed + SEEDS_APART * processes.rank)
            _fit(loop, program, recording, scaler, seed=cell.seed, progress=progress, processes=processes)
            if program.validation is not None and processes.is_first:
                validated = Validated.of(replace(loop, model=within(loop.model)), program.validation)
        except Exception as error:  # noqa: BLE001  # a failed arm must not end the study
            failure = error_in_words(error)
        except BaseException as error:
            if recording is not None:
                recording.finish(failure=error_in_words(error))
            raise
        if recording is not None:
            recording.finish(validation_loss=validated.loss, validation_accuracy=validated.accuracy, failure=failure)
    return _stored(clinic, study_id, cell, recording, failure=failure) if processes.is_first else None


def diagnosed(program: Program, seed: int) -> tuple[Diagnosis, RunRecord]:
    """Train the program as it is, without the service, and diagnose it."""
    with seeded(seed):
        loop, _ = program.loops(seed, ())
        scaler = _scaler_of(loop)
        with _recording(program, loop, scaler, seed=seed) as recording:
            seed_all(seed)
            _fit(loop, program, recording, scaler, seed=seed, progress=None)
    return recording.diagnosis(), recording.record


def _scaler_of(loop: Loop) -> torch.amp.GradScaler:
    """The scaler of the loss, which does nothing if its precision needs none."""
    return torch.amp.GradScaler(loop.device, enabled=loop.precision == "float16")


def _recording(
    program: Program,
    loop: Loop,
    scaler: torch.amp.GradScaler,
    *,
    seed: int,
    to: Clinic | None = None,
    study: str | None = None,
    arm: str | None = None,
    alone: bool = True,
) -> Recording:
    """alone: whether this process trains the model alone; with others, a probe would have to wait for them."""
    criterion = loop.loss if isinstance(loop.loss, nn.Module) else None
    return Recording(
        loop.model,
        loop.optimizer,
        criterion,
        steps=loop.steps,
        to=to,
        study=study,
        arm=arm,
        seed=seed,
        probe=None if criterion is None or not alone else probe_of(of_seed(program.batches, seed)),
        clipping=None if loop.clipping is None else loop.clipping.to_json(),
        constant_loss=program.constant_loss,
        scaler=scaler if scaler.is_enabled() else None,
        patience_s=PATIENCE_S,
    )


def _fit(
    loop: Loop,
    program: Program,
    recording: Recording,
    scaler: torch.amp.GradScaler,
    *,
    seed: int,
    progress: Callable[[int], None] | None,
    processes: Processes = ONE,
) -> None:
    """Train to the end, or until the loss is not finite; raises ServiceUnavailable if the service takes no more.

    With other processes, which would wait for this one for ever, it goes on without the service.
    """
    loop.model.train()
    scheduler = LambdaLR(loop.optimizer, lambda step: loop.schedule.factor(step, loop.steps))
    batches = repeated(program.batches, seed=seed, steps=loop.steps, joined=loop.joined)
    for done, batch in enumerate(batches, start=1):
        loop.optimizer.zero_grad()
        loss = loop.loss_of(batch)
        torch.autograd.backward(scaler.scale(loss))
        recording.after_backward(loss)
        if loop.clipping is not None:
            scaler.unscale_(loop.optimizer)
            clip(loop.clipping, loop.model)
        scaler.step(loop.optimizer)
        if not _was_skipped(scaler):
            scheduler.step()
        if progress is not None:
            progress(done)
        if not processes.alone:
            if not processes.is_finite(loss):
                return
            continue
        if recording.refusal is not None:
            raise ServiceUnavailable(recording.refusal)
        if recording.over is not None and not processes.is_finite(loss):
            return


def _was_skipped(scaler: torch.amp.GradScaler) -> bool:
    """Update the scale; whether the step was left out, because its gradient was not finite."""
    if not scaler.is_enabled():
        return False
    before = scaler.get_scale()
    scaler.update()
    return scaler.get_scale() < before


def clip(clipping: Clipping | None, model: nn.Module) -> None:
    """Clip the gradients of a model, as the lines of code do that a remedy shows."""
    match clipping:
        case None:
            return
        case NormClipping(max_norm=max_norm):
            nn.utils.clip_grad_norm_(model.parameters(), max_norm)
        case ValueClipping(max_value=max_value):
            nn.utils.clip_grad_value_(model.parameters(), max_value)


@dataclass(frozen=True)
class Validated:
    """Results on validation data."""

    loss: float | None = None
    """The mean loss of the batches."""
    accuracy: float | None = None
    """The fraction of the samples (or positions) whose class is predicted; None if the loss is of another kind."""

    @classmethod
    @torch.no_grad()
    def of(cls, loop: Loop, batches: Iterable[Batch]) -> Self:
        """Evaluate a model."""
        loop.model.eval()
        losses: list[Tensor] = []
        right: list[Tensor] = []
        for batch in batches:
            loss, outputs = loop.with_outputs(batch)
            losses.append(loss.detach().double())
            if isinstance(loop.loss, nn.CrossEntropyLoss | nn.NLLLoss) and isinstance(outputs, Tensor):
                right += _right(outputs, batch[1], ignored=loop.loss.ignore_index)
        return cls(float(torch.stack(losses).mean()), float(torch.cat(right).mean()) if right else None)


def _right(outputs: Tensor, targets: Tensor, *, ignored: int) -> list[Tensor]:
    """For each class in the targets, 1 if it has the largest output, else 0; nothing if they are probabilities."""
    if targets.is_floating_point():
        return []
    return [(outputs.argmax(dim=1 if outputs.ndim > 1 else 0) == targets)[targets != ignored].double().flatten()]


def _stored(clinic: Clinic, study_id: str, cell: Cell, recording: Recording | None, *, failure: str | None) -> Run:
    """The run as the service has it; one that ended before its first step is declared now."""
    run_id = None if recording is None else recording.run_id
    if run_id is None:
        why = failure or (None if recording is None else recording.over) or "it took no step"
        declared = {"batch_size": 1, "seed": cell.seed, "study": study_id, "arm": cell.arm}
        run_id = str(clinic.post("/v1/recordings", declared)["id"])
        clinic.post(f"/v1/recordings/{run_id}/finish", {"failure": printable(why)})
    run = clinic.get_run(run_id)
    if not run.ended:
        why = failure or f"it did not get the end within {PATIENCE_S:g} s"
        raise ServiceUnavailable(f"the service at {clinic.url} does not have the whole run {run_id}: {why}")
    return run
