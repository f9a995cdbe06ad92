from collections.abc import Mapping
from typing import Annotated, ClassVar, Literal

import numpy as np
from pydantic import Field

from ...kernel.spec import Shape
from ..layers import Layout
from .base import Split, Task, shuffled_split
from .generated import Generated


class AddingProblem(Generated):
    """Sequences in which two values are marked, one in each half. The target is the sum of the marked values."""

    kind: Literal["adding_problem"] = "adding_problem"
    n: Annotated[int, Field(ge=40, le=100_000)] = 2000
    """Total number of samples."""
    length: Annotated[int, Field(ge=2, le=2000)] = 30
    """Length of each sequence. Each step has a value, uniform in [0, 1], and a mark, 0 or 1."""
    task: ClassVar[Task] = "regression"
    inputs_as_they_are: ClassVar[bool] = True
    source: ClassVar[str] = "Hochreiter and Schmidhuber 1997, Neural Computation 9; Le et al. 2015, arXiv:1504.00941"

    def forms(self) -> Mapping[Layout, Shape]:
        return {"sequence": (self.length, 2), "flat": (2 * self.length,)}

    def outputs(self) -> int:
        return 1

    def draw(self) -> Split:
        generator = np.random.default_rng([self.seed, 1])
        values, marks = generator.random((self.n, self.length)), np.zeros((self.n, self.length))
        half, rows = self.length // 2, np.arange(self.n)
        marks[rows, generator.integers(0, half, self.n)] = 1.0
        marks[rows, generator.integers(half, self.length, self.n)] = 1.0
        inputs = np.stack([values, marks], axis=2).astype(np.float32)
        targets = (values * marks).sum(axis=1, keepdims=True).astype(np.float32)
        return shuffled_split(inputs, targets, train=self.size()[0], seed=self.seed)
