from typing import Annotated, ClassVar, Literal

from pydantic import Field

from .base import LrSchedule


class Step(LrSchedule):
    """The learning rate is multiplied by `gamma` every `every` steps."""

    kind: Literal["step"] = "step"
    every: Annotated[int, Field(ge=1, le=1_000_000)] = 100
    """Steps between drops."""
    gamma: Annotated[float, Field(gt=0, le=1)] = 0.1
    """Factor that multiplies the learning rate at each drop."""
    source: ClassVar[str] = "He et al. 2016, arXiv:1512.03385; torch.optim.lr_scheduler.StepLR"

    def factor(self, step: int, steps: int) -> float:
        return float(self.gamma ** (step // self.every))

    def code(self, steps: int) -> str:
        return f"{self.gamma!r} ** (step // {self.every})"
