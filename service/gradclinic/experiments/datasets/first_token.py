from collections.abc import Mapping
from typing import Annotated, ClassVar, Literal

import numpy as np
from pydantic import Field

from ...kernel.spec import Shape
from ..layers import Layout
from .base import Split, shuffled_split
from .generated import Generated


class FirstToken(Generated):
    """Sequences of noise whose first value, -1 or 1, is the class. The network must remember it to the end."""

    kind: Literal["first_token"] = "first_token"
    n: Annotated[int, Field(ge=40, le=100_000)] = 2000
    """Total number of samples."""
    length: Annotated[int, Field(ge=2, le=2000)] = 40
    """Length of each sequence."""
    noise: Annotated[float, Field(ge=0, le=10)] = 0.7
    """Standard deviation of the values after the first."""
    inputs_as_they_are: ClassVar[bool] = True
    source: ClassVar[str] = "Bengio, Simard and Frasconi 1994, IEEE Trans. Neural Networks 5 (the latch problem)"

    def forms(self) -> Mapping[Layout, Shape]:
        return {"sequence": (self.length, 1), "flat": (self.length,)}

    def outputs(self) -> int:
        return 2

    def draw(self) -> Split:
        generator = np.random.default_rng([self.seed, 1])
        targets = generator.integers(0, 2, self.n)
        inputs = self.noise * generator.standard_normal((self.n, self.length))
        inputs[:, 0] = 2.0 * targets - 1.0
        return shuffled_split(inputs.astype(np.float32), targets, train=self.size()[0], seed=self.seed)
