"""A callback that records trainings of the Trainer of Hugging Face's transformers."""

from typing import Any

import torch
from torch import nn
from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments
from typing_extensions import Unpack

from .options import RecordingOptions
from .recording import Recording
from .watch import watch


class TrainerRecording(TrainerCallback):  # type: ignore[misc]  # transformers is not installed everywhere
    """Records every `train()` of a Trainer.

        trainer = Trainer(model, arguments, callbacks=[TrainerRecording(to="http://127.0.0.1:8000")], ...)

    The loss is the one that the model returns, or that the Trainer computes from the outputs (`compute_loss_func`,
    `label_smoothing_factor`). If the Trainer calls a loss module, pass it as `criterion`: then its targets are checked.
    """

    def __init__(self, criterion: nn.Module | None = None, **options: Unpack[RecordingOptions]) -> None:
        """The options are those of `Recording`; steps, seed and clipping are taken from the Trainer by default."""
        self._criterion, self._options = criterion, options
        self.recording: Recording | None = None
        """The recording of the last `train()`; None before it, or if another process records."""

    def on_train_begin(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        *,
        model: nn.Module,
        optimizer: torch.optim.Optimizer,
        **_: Any,
    ) -> None:
        """Start a recording."""
        if not state.is_world_process_zero:
            return
        known: RecordingOptions = {"steps": state.max_steps, "seed": args.seed}
        if args.max_grad_norm:
            known["clipping"] = {"kind": "norm", "max_norm": args.max_grad_norm}
        options: RecordingOptions = {**known, **self._options}
        self.recording = watch(model, optimizer, self._criterion, **options)

    def on_train_end(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any) -> None:
        """End the recording, with the loss and accuracy of the last evaluation, if there was one."""
        if self.recording is not None:
            self.recording.finish(
                validation_loss=_last(state, "eval_loss"), validation_accuracy=_last(state, "eval_accuracy")
            )


def _last(state: TrainerState, metric: str) -> float | None:
    return next((entry[metric] for entry in reversed(state.log_history) if metric in entry), None)
