from typing import Annotated, ClassVar, Literal

from pydantic import Field

from .base import LrSchedule

WarmupSteps = Annotated[int, Field(ge=0, le=1_000_000)]


def warmup_factor(step: int, warmup_steps: int) -> float:
    """(step + 1) / (warmup_steps + 1), at most 1. The first factor is above 0, so no step is wasted."""
    return min(1.0, (step + 1) / (warmup_steps + 1))


def warmup_code(warmup_steps: int) -> str:
    """The same as a Python expression of `step`."""
    return f"min(1.0, (step + 1) / {warmup_steps + 1})"


class LinearWarmup(LrSchedule):
    """The learning rate rises linearly over the first steps, then stays constant."""

    kind: Literal["linear_warmup"] = "linear_warmup"
    warmup_steps: WarmupSteps = 50
    """Steps until the full learning rate is reached."""
    source: ClassVar[str] = "Goyal et al. 2017, arXiv:1706.02677"

    def factor(self, step: int, steps: int) -> float:
        return warmup_factor(step, self.warmup_steps)

    def code(self, steps: int) -> str:
        return warmup_code(self.warmup_steps)
