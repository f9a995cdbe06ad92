"""What a loop of one's own adds to be recorded.

Whatever goes wrong in here is logged once and ends the recording; the training goes on, and its weights are the same
to the bit either way.
"""

import atexit
import logging
import platform
from collections.abc import Callable, Mapping
from typing import Any, Self

import torch
from torch import Tensor, nn

from gradclinic.diagnosis import Diagnosis, diagnose
from gradclinic.experiments.experiment import RecordingPlan
from gradclinic.kernel.codec import decode
from gradclinic.kernel.json import JsonObject
from gradclinic.measurements.record import RunRecord, Series, SiteInfo, WeightInfo
from gradclinic.measurements.recording import Declaration, Ending, spelled

from .closure import wrapped
from .hooks import Watch
from .loop_facts import LoopFacts
from .observer import Observer
from .placement import is_split
from .sender import Sender
from .sinks import Elsewhere, Here, Keeper
from .training_hooks import TrainingHooks

log = logging.getLogger("gradclinic.recording")

PATIENCE_S = 10.0
"""Seconds that the service has at the end of a training to take the rest."""


class Recording:
    """One training in a program of its own, recorded.

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
        to: str | None = None,
        name: str | None = None,
        labels: Mapping[str, str] | None = None,
        steps: int | None = None,
        batch_size: int | None = None,
        seed: int = 0,
        constant_loss: float | None = None,
        probe: tuple[Any, Any] | None = None,
        clipping: Mapping[str, Any] | None = None,
        scaler: Any = None,
        every: int = 1,
        full_every: int = 10,
        dense_until: int = 10,
        patience_s: float = PATIENCE_S,
    ) -> None:
        """Record `model` from here on while `optimizer` trains it; raises ValueError for what cannot be.

        criterion: the loss, called as a module criterion(outputs, targets). What it is called with tells the loss of
        the best constant prediction, without which nobody can say what was learned. Or say `constant_loss`.
        to: a service's address. Without one the record stays here: `record`, `diagnosis()`.
        probe: (inputs, targets) of some 256 training samples, which are looked at about 60 times for a loss that is not
        blurred by batches. The model is then called as model(inputs), without a trace; it needs a criterion.
        scaler: the GradScaler in use; without it one is found if the criterion is told.
        clipping: as in an experiment, for example {"kind": "norm", "max_norm": 1.0}.
        steps: how many are planned, where that is known. batch_size: samples a step, where the first tensor that goes
        into the model does not tell. every, full_every, dense_until: as in an experiment's `recording`.
        """
        if probe is not None and criterion is None:
            raise ValueError("a probe needs the criterion, to know its loss")
        if criterion is not None and not isinstance(criterion, nn.Module):
            raise ValueError("the criterion is a module: put a function into the forward of one, and call that")
        optimizer = wrapped(optimizer)
        self.over: str | None = None
        """Why nothing is recorded any more, where that is so."""
        self._facts: dict[str, Any] = {
            "steps": steps,
            "seed": seed,
            "constant_loss": constant_loss,
            "clipping": None if clipping is None else dict(clipping),
        }
        Declaration.model_validate({**self._facts, "batch_size": batch_size or 1})
        self._ended = False
        self._patience_s = patience_s
        self._here = Here() if to is None else None
        self._elsewhere = None if to is None else Elsewhere(Sender(to), name=name, labels=labels)
        self._keeper: Keeper = self._here or self._to()
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
            raise ValueError("leave out the probe: one process cannot evaluate parameters that are split over several")
        self._hooks = TrainingHooks(model, optimizer, criterion, observer=self._observer, safely=self._safely)
        atexit.register(self.finish)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.finish()

    # --- what a loop calls ---

    def after_backward(self, loss: Tensor | float) -> None:
        """Say that a step's gradients are there: after backward, before any clipping.

        Where gradients are accumulated, after each backward with its loss, or once after the last with their sum.
        """
        if not self._ended:
            self._hooks.after_backward(loss)

    def finish(self, *, validation_loss: float | None = None, validation_accuracy: float | None = None) -> None:
        """End the recording; the service gets what it has not got yet, and judges it. Leaving the `with` does this."""
        if self._ended:
            return
        self._safely(self._observer.end)
        self._ended = True
        self._leave()
        atexit.unregister(self.finish)
        self._safely(lambda: self._close(validation_loss, validation_accuracy))

    # --- what it knows ---

    @property
    def step(self) -> int:
        """Steps that the optimizer has taken."""
        return self._observer.step

    @property
    def run_id(self) -> str | None:
        """The run at the service; None where there is none, or it has not answered yet."""
        return self._elsewhere.sender.run_id if self._elsewhere is not None else None

    @property
    def record(self) -> RunRecord:
        """Everything recorded so far, where it stays here; raises RuntimeError where it does not, or nothing is."""
        if self._here is None:
            raise RuntimeError("the service has the record: ask it for the run")
        return self._here.record(self.step)

    def diagnosis(self) -> Diagnosis:
        """What is wrong; so far, where the record stays here, else once the service has judged it.

        Raises RuntimeError where nothing is known yet.
        """
        if self._elsewhere is None:
            return diagnose(self.record)
        judged = self._elsewhere.sender.judged
        if judged is None:
            raise RuntimeError(f"the service has not judged it: {self._elsewhere.sender.over or 'it goes on'}")
        return decode(Diagnosis, judged)

    # --- what the observer tells ---

    def found(
        self, sites: list[SiteInfo], weights: list[WeightInfo], *, batch_size: int, environment: JsonObject
    ) -> None:
        """Declare what is recorded for."""
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
        """Hand on what was recorded."""
        refused = self._keeper.took(step, series)
        if refused is not None:
            self._stop(refused)

    def broke(self, step: int) -> None:
        """Say so."""
        self._stop(f"the loss or the gradient was not finite at step {step}")

    # --- its ends ---

    def _to(self) -> Elsewhere:
        if self._elsewhere is None:
            raise RuntimeError("the record stays here")
        return self._elsewhere

    def _close(self, validation_loss: float | None, validation_accuracy: float | None) -> None:
        told = self._facts["constant_loss"] is not None
        constant = None if told else self._hooks.constant_loss()
        ending = Ending(
            preflight=self._hooks.preflight(),
            nonfinite_origin=self._hooks.origin,
            constant_loss=None if constant is None else max(0.0, constant),
            final_validation_loss=None if validation_loss is None else spelled(float(validation_loss)),
            final_validation_accuracy=None if validation_accuracy is None else float(validation_accuracy),
            train_seconds=self._observer.stopwatch.training_s,
            recording_seconds=self._observer.stopwatch.recording_s,
            peak_memory_bytes=self._observer.peak_memory_bytes(),
        )
        self._keeper.ended(ending, patience_s=self._patience_s)

    def _safely(self, do: Callable[[], None]) -> None:
        if self.over is not None and not self._ended:
            return
        try:
            do()
        except Exception as error:  # noqa: BLE001  # whatever it is, the training goes on
            self._give_up(error)

    def _give_up(self, error: Exception) -> None:
        if self.over is None:
            log.warning("the recording ends here, by an error of its own; the training goes on", exc_info=error)
        self._stop(f"an error of the recording's own: {type(error).__name__}")

    def _stop(self, why: str) -> None:
        """Record nothing more; what was recorded is judged when the training ends.

        This may be inside a step: the optimizer goes through its hooks just then, so they stay, and do nothing.
        """
        self.over = self.over or why
        self._hooks.end_trace()
        self._watch.close()

    def _leave(self) -> None:
        """Take every hook away."""
        self._watch.close()
        self._hooks.close()
