"""What every learning-rate schedule says about itself: a factor for each step."""

from abc import abstractmethod
from typing import ClassVar

from ...kernel.spec import Spec


class LrSchedule(Spec):
    """A learning-rate schedule, as declared: a pure function of the step, so that a resumed run needs no state."""

    kind: str
    source: ClassVar[str]

    @abstractmethod
    def factor(self, step: int, steps: int) -> float:
        """What multiplies the learning rate at `step` (from 0) of `steps`; dimensionless."""
