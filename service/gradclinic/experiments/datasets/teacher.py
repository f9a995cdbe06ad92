from collections.abc import Mapping
from math import sqrt
from typing import Annotated, ClassVar, Literal

import numpy as np
from pydantic import Field

from ...kernel.spec import PositiveFloat, Shape
from ..layers import Layout
from .base import Split, Task, shuffled_split
from .generated import Generated

_HIDDEN, _GAIN = 32, 1.5
"""The teacher's hidden units, and the deviation of their inputs: large enough that a linear model cannot fit."""


class Teacher(Generated):
    """Regression on a fixed random network: 20 normal inputs, one hidden layer of 32 tanh units, one output."""

    kind: Literal["teacher"] = "teacher"
    n: Annotated[int, Field(ge=40, le=100_000)] = 1500
    """Total number of samples."""
    target_scale: PositiveFloat = 1.0
    """Multiplies the targets; it has no effect on standardized targets."""
    task: ClassVar[Task] = "regression"
    source: ClassVar[str] = "Seung, Sompolinsky and Tishby 1992, Phys. Rev. A 45"

    def forms(self) -> Mapping[Layout, Shape]:
        return {"flat": (20,)}

    def outputs(self) -> int:
        return 1

    def draw(self) -> Split:
        generator = np.random.default_rng([self.seed, 1])
        first = _GAIN / sqrt(20) * generator.standard_normal((20, _HIDDEN))
        second = 1 / sqrt(_HIDDEN) * generator.standard_normal((_HIDDEN, 1))
        inputs = generator.standard_normal((self.n, 20))
        targets = self.target_scale * (np.tanh(inputs @ first) @ second)
        return shuffled_split(
            inputs.astype(np.float32), targets.astype(np.float32), train=self.size()[0], seed=self.seed
        )
