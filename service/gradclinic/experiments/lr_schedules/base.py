"""The base class of learning-rate schedules: a factor for each step."""

from abc import abstractmethod
from typing import ClassVar

from ...kernel.spec import Spec


class LrSchedule(Spec):
    """A learning-rate schedule: a pure function of the step, so a resumed run needs no state."""

    kind: str
    source: ClassVar[str]

    @abstractmethod
    def factor(self, step: int, steps: int) -> float:
        """Factor that multiplies the learning rate at `step` (from 0) of `steps`; dimensionless."""

    @abstractmethod
    def code(self, steps: int) -> str:
        """The factor as a Python expression of `step`; `cos` and `pi` are those of the module math."""
