"""Whether a run's loss and gradient are still finite, looked at as seldom as the device requires."""

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from gradclinic_torch.measure.recorder import Recorder

from .progress import Progress


class DivergenceCheck:
    """Keeps each step's loss and gradient norm on the device until they are looked at, every `every` steps."""

    def __init__(self, progress: Progress, recorder: Recorder, *, every: int, steps: int, record: bool) -> None:
        self._progress, self._recorder = progress, recorder
        self.every, self._steps, self._record = every, steps, record
        self._unseen: list[tuple[int, Tensor, Tensor]] = []

    def add(self, step: int, *, loss: Tensor, total_norm: Tensor) -> None:
        """Take note of a step."""
        self._unseen.append((step, loss.detach(), total_norm))

    @property
    def has_seen_all(self) -> bool:
        """Whether every step so far is known to be finite, or to have broken."""
        return not self._unseen

    def look(self, *, after: int) -> None:
        """Check recent steps if due; a GPU is checked only at intervals."""
        if (after + 1) % self.every == 0 or after == self._steps - 1:
            self.see()

    def see(self) -> None:
        """Check all unchecked steps; steps after the first non-finite one are discarded."""
        if self._record:
            self._recorder.see_probes()
        if not self._unseen:
            return
        steps, losses, norms = zip(*self._unseen, strict=True)
        self._unseen = []
        for step, loss, grad_norm in zip(steps, _shown(losses), _shown(norms), strict=True):
            if not (math.isfinite(loss) and math.isfinite(grad_norm)):
                self._progress.nonfinite_step = self._progress.step = step
                self._recorder.broke(step)
                return
            if self._record:
                self._recorder.plan.saw(step, loss=loss, grad_norm=grad_norm)


def _shown(scalars: Sequence[Tensor]) -> list[float]:
    """The values of scalars on a device, which is waited for once."""
    if len(scalars) == 1:
        return [float(scalars[0])]
    shown: list[float] = torch.stack(list(scalars)).double().tolist()
    return shown
