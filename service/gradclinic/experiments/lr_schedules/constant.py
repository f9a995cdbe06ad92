from typing import ClassVar, Literal

from .base import LrSchedule


class Constant(LrSchedule):
    """A constant learning rate."""

    kind: Literal["constant"] = "constant"
    source: ClassVar[str] = "definition"

    def factor(self, step: int, steps: int) -> float:
        return 1.0

    def code(self, steps: int) -> str:
        return "1.0"
