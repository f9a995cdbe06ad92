from typing import ClassVar, Literal

from .base import LrSchedule


class Constant(LrSchedule):
    """The learning rate stays as it is."""

    kind: Literal["constant"] = "constant"
    source: ClassVar[str] = "definition"

    def factor(self, step: int, steps: int) -> float:
        return 1.0
