from math import cos, pi
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from .base import LrSchedule


class OneCycle(LrSchedule):
    """The learning rate rises to its full value and decays to almost zero, each along half a cosine."""

    kind: Literal["one_cycle"] = "one_cycle"
    rising: Annotated[float, Field(gt=0, lt=1)] = 0.3
    """Fraction of steps in which it rises."""
    initial_factor: Annotated[float, Field(gt=0, le=1)] = 0.04
    """Initial learning rate as a fraction of the full one."""
    final_factor: Annotated[float, Field(gt=0, le=1)] = 4e-6
    """Final learning rate as a fraction of the full one."""
    source: ClassVar[str] = "Smith and Topin 2018, arXiv:1708.07120; torch.optim.lr_scheduler.OneCycleLR"

    def factor(self, step: int, steps: int) -> float:
        peak = self.rising * steps - 1.0
        if step <= peak:
            return _between(self.initial_factor, 1.0, step / peak if peak > 0 else 1.0)
        return _between(1.0, self.final_factor, min(1.0, (step - peak) / max(1e-9, steps - 1 - peak)))


def _between(start: float, end: float, progress: float) -> float:
    """Half a cosine from `start` to `end`."""
    return end + (start - end) * 0.5 * (1.0 + cos(pi * progress))
