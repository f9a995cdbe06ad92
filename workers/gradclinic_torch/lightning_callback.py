"""A callback that records trainings of Lightning's Trainer."""

import logging
import math
from collections.abc import Iterable, Mapping
from typing import Any

from lightning.pytorch import Callback, LightningModule, Trainer
from torch import Tensor, nn
from typing_extensions import Unpack

from .attach.loss_watch import LossWatch
from .options import RecordingOptions
from .recording import Recording

log = logging.getLogger("gradclinic.recording")

_VALIDATION = ("val", "valid", "validation")
LOSSES = tuple(f"{when}{between}loss" for when in _VALIDATION for between in "_/")
"""Names under which modules log their validation loss, as in Lightning's examples; the first that is there counts."""
ACCURACIES = tuple(f"{when}{between}{what}" for when in _VALIDATION for between in "_/" for what in ("acc", "accuracy"))
"""The same of their validation accuracy, a fraction."""


class LightningRecording(Callback):  # type: ignore[misc]  # lightning is not installed everywhere
    """Records every `fit()` of a Trainer.

        trainer = Trainer(callbacks=[LightningRecording(module.criterion, to="http://127.0.0.1:8000")], ...)

    The loss is the one that `training_step` returns, or that is passed to `manual_backward`. With several optimizers,
    nothing is recorded; use one `Recording` per network instead.
    """

    def __init__(self, criterion: nn.Module | None = None, **options: Unpack[RecordingOptions]) -> None:
        """The options are those of `Recording`; steps, clipping and scaler are taken from the Trainer by default.

        criterion: the loss module that `training_step` calls, if any.
        """
        super().__init__()
        self._criterion, self._options = criterion, options
        self._losses: LossWatch | None = None
        self._scaler: Any = None
        self.recording: Recording | None = None
        """The recording of the last `fit()`; None before it, or if another process records."""

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Start a recording."""
        if not trainer.is_global_zero:
            return
        if len(trainer.optimizers) != 1:
            log.warning("nothing is recorded: there are %d optimizers instead of one", len(trainer.optimizers))
            return
        known: RecordingOptions = {"scaler": getattr(trainer.precision_plugin, "scaler", None)}
        if math.isfinite(trainer.estimated_stepping_batches):
            known["steps"] = int(trainer.estimated_stepping_batches)
        if trainer.gradient_clip_val and trainer.gradient_clip_algorithm != "value":
            known["clipping"] = {"kind": "norm", "max_norm": float(trainer.gradient_clip_val)}
        options: RecordingOptions = {**known, **self._options}
        self._scaler = options["scaler"]
        self.recording = Recording(pl_module, trainer.optimizers[0], self._criterion, **options)
        self._losses = self.recording.watch_losses()

    def on_before_backward(self, trainer: Trainer, pl_module: LightningModule, loss: Tensor) -> None:
        """Observe the loss, which a scaler may have multiplied already."""
        if self._losses is not None:
            scaled = self._scaler is not None and self._scaler.is_enabled()
            self._losses.saw(loss, multiplied=float(self._scaler.get_scale()) if scaled else 1.0)

    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """End it, with the last validation loss and accuracy that the module has logged."""
        logged = {str(name): float(value) for name, value in trainer.callback_metrics.items()}
        self._finish(loss=_first(logged, LOSSES), accuracy=_first(logged, ACCURACIES))

    def on_exception(self, trainer: Trainer, pl_module: LightningModule, exception: BaseException) -> None:
        """End it where the training was left."""
        self._finish()

    def _finish(self, *, loss: float | None = None, accuracy: float | None = None) -> None:
        if self.recording is not None:
            within = accuracy is not None and 0.0 <= accuracy <= 1.0
            self.recording.finish(validation_loss=loss, validation_accuracy=accuracy if within else None)


def _first(logged: Mapping[str, float], names: Iterable[str]) -> float | None:
    return next((logged[name] for name in names if name in logged), None)
