"""The recording of a user's own training loop.

An error in the recorder is logged once and ends the recording. Training continues, and is bit-for-bit unaffected.
"""

import atexit
import logging
import platform
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn
from typing_extensions import Self

from gradclinic.diagnosis import Diagnosis, diagnose
from gradclinic.experiments.experiment import RecordingPlan
from gradclinic.kernel.codec import decode
from gradclinic.kernel.json import JsonObject
from gradclinic.measurements.record import RunRecord, Series, SiteInfo, WeightInfo
from gradclinic.measurements.recording import Declaration, Ending, printable, spelled

from .attach.closure import wrapped
from .attach.loop_facts import LoopFacts
from .attach.loss_watch import LossWatch
from .attach.observer import Observer
from .attach.training_hooks import TrainingHooks
from .model.hooks import Watch
from .model.placement import is_split
from .sinks.process_group import Processes
from .sinks.sender import Sender
from .sinks.sink import Elsewhere, Here, Keeper

if TYPE_CHECKING:
    from gradclinic.client import Clinic

log = logging.getLogger("gradclinic.recording")

PATIENCE_S = 10.0
"""Seconds to wait for the service at the end of a training."""


class Recording:
    """Records one training of a user's own program.

    with Recording(model, optimizer, criterion, to="http://127.0.0.1:8000") as recording:
        for inputs, targets in batches:
            optimizer.zero_grad()
            loss = criterion(model(inputs), targets)
            loss.backward()
            recording.after_backward(loss)
            optimizer.step()
    """

    def __init__(
        self,
        model: nn.Module,
        optimizer: torch.optim.Optimizer,
        criterion: nn.Module | None = None,
        *,
        to: "str | Clinic | None" = None,
        name: str | None = None,
        labels: Mapping[str, str] | None = None,
        study: str | None = None,
        arm: str | None = None,
        steps: int | None = None,
        batch_size: int | None = None,
        seed: int = 0,
        constant_loss: float | None = None,
        probe: tuple[Any, Any] | None = None,
        clipping: Mapping[str, Any] | None = None,
        scaler: Any = None,
        every: int = 1,
        full_every: int | None = None,
        dense_until: int | None = None,
        patience_s: float = PATIENCE_S,
    ) -> None:
        """Record `model` from now on, while `optimizer` trains it. Raises ValueError for invalid arguments.

        criterion: the loss, a module that is called as criterion(outputs, targets). From its targets, the recorder
        computes the loss of the best constant prediction, which shows whether the network learned; or pass
        `constant_loss`.
        to: the URL of a service, or its client. Without it, results are kept locally: see `record` and `diagnosis()`.
        probe: (inputs, targets) of about 256 training samples, for a loss without batch noise. As many of them as the
        cost allows are evaluated 30 to 60 times; all of them after the last step, to look for dead units.
        The model is then called as model(inputs), without side effects. A probe needs a criterion.
        scaler: the GradScaler in use; by default, it is found if a criterion is given.
        clipping: as in an experiment, for example {"kind": "norm", "max_norm": 1.0}.
        study, arm: the id of a study that this program declared in the service, and the arm that it trains.
        steps: the number of planned steps, if known. batch_size: samples per step, if the first axis of the model's
        first input is not the batch. every, full_every, dense_until: as in the `recording` of an experiment.
        """
        if probe is not None and criterion is None:
            raise ValueError("a probe needs the criterion, to know its loss")
        if (study is None) != (arm is None):
            raise ValueError("set both study and arm, or neither")
        if criterion is not None and not isinstance(criterion, nn.Module):
            raise ValueError("the criterion must be a module; call a function inside the forward of one")
        optimizer = wrapped(optimizer)
        self.over: str | None = None
        """The reason why recording stopped; None while it is recording."""
        self._facts: dict[str, Any] = {
            "steps": steps,
            "seed": seed,
            "constant_loss": constant_loss,
            "clipping": None if clipping is None else dict(clipping),
        }
        Declaration.model_validate({**self._facts, "batch_size": batch_size or 1})
        self._model, self._optimizer = model, optimizer
        self._losses: LossWatch | None = None
        self._ended = False
        self._patience_s = patience_s
        called = {"name": name, "labels": dict(labels or {}), "study": study, "arm": arm}
        self._here = Here() if to is None else None
        self._elsewhere = None if to is None else Elsewhere(Sender(to), called=called)
        processes = Processes.of(model)
        self._keeper = self._own_keeper() if processes is None else processes.keeper(self._own_keeper())
        self._watch = Watch(model, on_error=self._give_up)
        plan = RecordingPlan(every=every, full_every=full_every, dense_until=dense_until)
        self._observer = Observer(
            model,
            optimizer,
            LoopFacts(plan, steps, batch_size, probe, criterion, scaler),
            watch=self._watch,
            sink=self,
        )
        if probe is not None and any(is_split(each) for each in model.parameters()):
            raise ValueError("a probe is not possible: parameters are sharded over several processes")
        self._hooks = TrainingHooks(model, optimizer, criterion, observer=self._observer, safely=self._safely)
        atexit.register(self.finish)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, _kind: object, error: BaseException | None, _traceback: object) -> None:
        """An error that leaves the block makes the run fail; an interruption, as by Ctrl-C, only ends it early."""
        self.finish(failure=error_in_words(error) if isinstance(error, Exception) else None)

    # --- called by the training loop ---

    def after_backward(self, loss: Tensor | float) -> None:
        """Record the gradients of a step. Call it after the backward pass, before clipping.

        With gradient accumulation, call it after each backward pass with its loss, or once after the last one with the
        sum of the losses.
        """
        if not self._ended and self._losses is None:
            self._hooks.after_backward(loss)

    def watch_losses(self) -> LossWatch:
        """Need no `after_backward` from here on, and ignore it: what is returned sees the losses itself."""
        parameters = [parameter for parameter in self._model.parameters() if parameter.requires_grad]
        hooks = self._hooks
        self._losses = LossWatch(
            parameters,
            self._optimizer,
            then=hooks.after_multiplied,
            of_another=hooks.after_another,
            safely=self._safely,
        )
        return self._losses

    def finish(
        self,
        *,
        validation_loss: float | None = None,
        validation_accuracy: float | None = None,
        failure: str | None = None,
    ) -> None:
        """End the recording: send the rest to the service, which diagnoses it. Leaving the `with` block does this, and
        gives an error that leaves it as the `failure`.

        failure: why the program could not train to an end; the run then counts as failed.
        """
        if self._ended:
            return
        self._safely(self._observer.end)
        self._ended = True
        self._leave()
        atexit.unregister(self.finish)
        self._safely(lambda: self._close(validation_loss, validation_accuracy, failure))

    # --- results ---

    @property
    def step(self) -> int:
        """Number of steps that the optimizer has taken."""
        return self._observer.step

    @property
    def run_id(self) -> str | None:
        """The id of the run in the service; None without a service, or before it has answered."""
        return self._elsewhere.sender.run_id if self._elsewhere is not None else None

    @property
    def refusal(self) -> str | None:
        """The reason why the service takes no more of the recording; None while it does, and without a service."""
        return self._elsewhere.sender.over if self._elsewhere is not None else None

    @property
    def record(self) -> RunRecord:
        """Everything recorded so far. Raises RuntimeError if it is empty, or if it is sent to a service."""
        if self._here is None:
            raise RuntimeError("the record is in the service; get the run from there")
        return self._here.record(self.step)

    def diagnosis(self) -> Diagnosis:
        """The diagnosis: without a service, of the record so far; otherwise that of the service, after the end.

        Raises RuntimeError if there is none yet.
        """
        if self._elsewhere is None:
            return diagnose(self.record)
        judged = self._elsewhere.sender.judged
        if judged is None:
            raise RuntimeError(
                f"the service has no diagnosis yet: {self._elsewhere.sender.over or 'the recording has not ended'}"
            )
        return decode(Diagnosis, judged)

    # --- called by the observer ---

    def found(
        self, sites: list[SiteInfo], weights: list[WeightInfo], *, batch_size: int, environment: JsonObject
    ) -> None:
        """Declare the sites and weights."""
        declaration = Declaration.model_validate(
            {
                **self._facts,
                "batch_size": batch_size,
                "sites": [vars(site) for site in sites],
                "weights": [{**vars(weight), "shape": list(weight.shape)} for weight in weights],
                "environment": {"python": platform.python_version(), **environment},
            }
        )
        self._keeper.declared(declaration)

    def window(self, step: int, series: dict[str, Series]) -> None:
        """Keep or send what was recorded."""
        refused = self._keeper.took(step, series)
        if refused is not None:
            self._stop(refused)

    def broke(self, step: int) -> None:
        """Stop recording, because the loss or the gradient is not finite."""
        self._stop(f"the loss or the gradient was not finite at step {step}")

    # --- the end ---

    def _own_keeper(self) -> Keeper:
        found = self._here or self._elsewhere
        if found is None:
            raise RuntimeError("there is no service to send to")
        return found

    def _close(self, validation_loss: float | None, validation_accuracy: float | None, failure: str | None) -> None:
        told = self._facts["constant_loss"] is not None
        constant = None if told else self._hooks.constant_loss()
        ending = Ending(
            preflight=self._hooks.preflight(),
            nonfinite_origin=self._hooks.origin,
            spikes=tuple(self._observer.spikes.found),
            constant_loss=None if constant is None else max(0.0, constant),
            final_validation_loss=None if validation_loss is None else spelled(float(validation_loss)),
            final_validation_accuracy=None if validation_accuracy is None else float(validation_accuracy),
            train_seconds=self._observer.stopwatch.training_s,
            recording_seconds=self._observer.stopwatch.recording_s,
            peak_memory_bytes=self._observer.peak_memory_bytes(),
            failure=None if failure is None else printable(failure),
        )
        self._keeper.ended(ending, patience_s=self._patience_s)

    def _safely(self, do: Callable[[], None]) -> None:
        if self.over is not None and not self._ended:
            return
        try:
            do()
        except Exception as error:  # noqa: BLE001  # no error may stop the training
            self._give_up(error)

    def _give_up(self, error: Exception) -> None:
        if self.over is None:
            log.warning("the recording failed and ends here; training continues", exc_info=error)
        self._stop(f"the recorder failed: {type(error).__name__}")

    def _stop(self, why: str) -> None:
        """Stop recording; what was recorded is diagnosed when the training ends.

        This may happen inside a step, while the optimizer iterates over its hooks, so they stay and do nothing.
        """
        self.over = self.over or why
        self._hooks.end_trace()
        self._watch.close()

    def _leave(self) -> None:
        """Remove all hooks."""
        self._watch.close()
        self._hooks.close()
        if self._losses is not None:
            self._losses.close()


def error_in_words(error: BaseException) -> str:
    """The class and the text of an error."""
    try:
        text = str(error)
    except Exception:  # noqa: BLE001  # the error of a program may be of any class
        text = ""
    return f"{type(error).__name__}: {text}" if text else type(error).__name__
