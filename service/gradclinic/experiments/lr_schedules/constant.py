from typing import ClassVar, Literal

from .base import Schedule


class Constant(Schedule):
    """The learning rate stays as it is."""

    kind: Literal["constant"] = "constant"
    source: ClassVar[str] = "definition"

    def factor(self, step: int, steps: int) -> float:
        return 1.0
