"""A run's checkpoint: everything from which it continues as if it had not been interrupted."""

import io
from typing import Any, NamedTuple

import torch

from gradclinic.measurements.preflight import Preflight
from gradclinic_torch.measure.recorder import Recorder
from gradclinic_torch.model.tapped import Sequence as Modules

from .precision import LossScale
from .progress import Progress


class Stateful(NamedTuple):
    """The parts of a run whose state a checkpoint holds."""

    modules: Modules
    optimizer: torch.optim.Optimizer
    batches: torch.Generator
    recorder: Recorder
    loss_scale: LossScale
    device: torch.device


def checkpoint_of(run: Stateful, progress: Progress) -> bytes:
    """The state between two steps, after a flush of the recorder."""
    state: dict[str, Any] = {
        "step": progress.step,
        "modules": {name: tensor.clone() for name, tensor in run.modules.state_dict().items()},
        "optimizer": run.optimizer.state_dict(),
        "batches": run.batches.get_state(),
        "noise": torch.random.get_rng_state(),
        "recorder": run.recorder.state(),
        "loss_scale": run.loss_scale.state(),
        "initial_loss": progress.initial_loss,
        "preflight": progress.preflight.to_json() if progress.preflight is not None else None,
        "steps_to_target": progress.steps_to_target,
        "train_seconds": progress.train_seconds,
        "recording_seconds": progress.recording_seconds,
    }
    if run.device.type == "cuda":
        state["device_noise"] = torch.cuda.get_rng_state(run.device)
    buffer = io.BytesIO()
    torch.save(state, buffer)
    return buffer.getvalue()


def resume(run: Stateful, checkpoint: bytes, *, into: Progress) -> None:
    """Load a checkpoint into a run that was just built, and note how far it had come."""
    state = torch.load(io.BytesIO(checkpoint), map_location="cpu", weights_only=True)
    run.modules.load_state_dict(state["modules"])
    run.optimizer.load_state_dict(state["optimizer"])
    run.batches.set_state(state["batches"])
    torch.random.set_rng_state(state["noise"])
    if run.device.type == "cuda" and "device_noise" in state:
        torch.cuda.set_rng_state(state["device_noise"], run.device)
    run.recorder.resume(state["recorder"])
    run.loss_scale.resume(state["loss_scale"])
    seen = state.get("preflight")  # a checkpoint of an earlier version has none
    into.preflight = Preflight.model_validate(seen) if seen is not None else None
    into.step = state["step"]
    into.initial_loss, into.steps_to_target = state["initial_loss"], state["steps_to_target"]
    into.train_seconds, into.recording_seconds = state["train_seconds"], state["recording_seconds"]
