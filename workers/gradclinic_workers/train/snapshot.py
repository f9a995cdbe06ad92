"""The state of a training at the start of a step, kept on its device, to go back to if a later step breaks.

A GPU is asked only now and then whether the numbers are finite, since each answer waits for it. When it says that a
step has broken, later ones have long changed the weights. The training then goes back to the last step that is known to
be sound, and repeats what follows, asking at every step. So a run ends as it does on a CPU, with the weights before the
step that broke, and with all statistics of that step.
"""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from .checkpoint import Stateful
from .progress import Progress


def random_state(device: torch.device) -> list[Tensor]:
    """The state of torch's generators: the CPU's, and a GPU's where one trains."""
    on_gpu = [torch.cuda.get_rng_state(device)] if device.type == "cuda" else []
    return [torch.random.get_rng_state(), *on_gpu]


def seed_noise(seed: int, *, device: torch.device) -> None:
    """Seed torch's generators: the CPU's, and a GPU's where one trains.

    Without a GPU, `torch.manual_seed` notes the call and who made it, for the case that one is used later: that takes
    milliseconds, and what it notes stays.
    """
    if device.type == "cuda":
        torch.manual_seed(seed)
    else:
        torch.default_generator.manual_seed(seed)


def set_random_state(state: Sequence[Tensor], *, device: torch.device) -> None:
    """Set torch's generators back."""
    torch.random.set_rng_state(state[0])
    for of_gpu in state[1:]:
        torch.cuda.set_rng_state(of_gpu, device)


class Snapshot:
    """The latest state that was kept of one run."""

    def __init__(self, run: Stateful) -> None:
        self._run = run
        self._tensors: list[Tensor] = []
        self._copies: list[Tensor] = []
        self._optimizer: dict[Any, dict[str, Any]] = {}
        self._noise: list[Tensor] = []
        self._batches = torch.empty(0)
        self._loss_scale: list[float] = []
        self._recorder: dict[str, Any] = {}
        self.step: int | None = None
        """The step at whose start it was taken; None before the first."""

    @torch.no_grad()
    def take(self, progress: Progress) -> None:
        """Keep the state before the next step."""
        run = self._run
        self._optimizer = {parameter: dict(state) for parameter, state in run.optimizer.state.items()}
        of_optimizer = [each for state in self._optimizer.values() for each in state.values()]
        tensors = [*run.modules.parameters(), *run.modules.buffers(), *filter(torch.is_tensor, of_optimizer)]
        if len(tensors) != len(self._tensors) or any(a is not b for a, b in zip(tensors, self._tensors, strict=True)):
            self._tensors, self._copies = tensors, [torch.empty_like(tensor) for tensor in tensors]
        _copy(self._tensors, into=self._copies)
        self._noise, self._batches = random_state(run.device), run.batches.get_state()
        self._loss_scale, self._recorder = run.loss_scale.state(), run.recorder.state()
        self.step = progress.step

    @torch.no_grad()
    def restore(self, progress: Progress) -> None:
        """Go back to the state that was kept; records of later steps are forgotten."""
        if self.step is None:
            raise TypeError("nothing was kept to go back to")
        run = self._run
        run.optimizer.state.clear()
        run.optimizer.state.update({parameter: dict(state) for parameter, state in self._optimizer.items()})
        _copy(self._copies, into=self._tensors)
        set_random_state(self._noise, device=run.device)
        run.batches.set_state(self._batches)
        run.loss_scale.resume(self._loss_scale)
        run.recorder.go_back(self.step, self._recorder)
        progress.step, progress.nonfinite_step = self.step, None


def _copy(tensors: Sequence[Tensor], *, into: Sequence[Tensor]) -> None:
    """Copy tensors in few operations: those of one device and precision together."""
    groups: dict[tuple[torch.device, torch.dtype], tuple[list[Tensor], list[Tensor]]] = {}
    for source, target in zip(tensors, into, strict=True):
        targets, sources = groups.setdefault((source.device, source.dtype), ([], []))
        targets.append(target)
        sources.append(source)
    for targets, sources in groups.values():
        torch._foreach_copy_(targets, sources)
