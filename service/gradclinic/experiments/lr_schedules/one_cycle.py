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

    def code(self, steps: int) -> str:
        peak = self.rising * steps - 1.0
        rise = _between_code(self.initial_factor, 1.0, f"step / {peak!r}") if peak > 0 else "1.0"
        falls = f"min(1.0, (step - {peak!r}) / {max(1e-9, steps - 1 - peak)!r})"
        return f"{rise} if step <= {peak!r} else {_between_code(1.0, self.final_factor, falls)}"


def _between(start: float, end: float, progress: float) -> float:
    """Half a cosine from `start` to `end`."""
    return end + (start - end) * 0.5 * (1.0 + cos(pi * progress))


def _between_code(start: float, end: float, progress: str) -> str:
    return f"{end!r} + {start - end!r} * 0.5 * (1.0 + cos(pi * {progress}))"
