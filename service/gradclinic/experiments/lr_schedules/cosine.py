from math import cos, pi
from typing import ClassVar, Literal

from ...kernel.spec import Fraction
from .base import LrSchedule
from .linear_warmup import WarmupSteps, warmup_code, warmup_factor


class Cosine(LrSchedule):
    """The learning rate decays along half a cosine from its full value to `final_factor` times it at the last step."""

    kind: Literal["cosine"] = "cosine"
    final_factor: Fraction = 0.0
    """Final learning rate as a fraction of the full one."""
    warmup_steps: WarmupSteps = 0
    """Steps of linear warmup before the decay."""
    source: ClassVar[str] = "Loshchilov and Hutter 2017, arXiv:1608.03983"

    def factor(self, step: int, steps: int) -> float:
        if step < self.warmup_steps:
            return warmup_factor(step, self.warmup_steps)
        progress = (step - self.warmup_steps) / max(1, steps - self.warmup_steps)
        return self.final_factor + (1.0 - self.final_factor) * 0.5 * (1.0 + cos(pi * min(1.0, progress)))

    def code(self, steps: int) -> str:
        since = f"step - {self.warmup_steps}" if self.warmup_steps else "step"
        progress = f"min(1.0, ({since}) / {max(1, steps - self.warmup_steps)})"
        decay = f"{self.final_factor!r} + {1.0 - self.final_factor!r} * 0.5 * (1.0 + cos(pi * {progress}))"
        if not self.warmup_steps:
            return decay
        return f"{warmup_code(self.warmup_steps)} if step < {self.warmup_steps} else {decay}"
