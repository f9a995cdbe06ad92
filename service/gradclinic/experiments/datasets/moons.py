from collections.abc import Mapping
from typing import Annotated, ClassVar, Literal

import numpy as np
from pydantic import Field

from ...kernel.spec import Shape
from ..layers import Layout
from .base import Split, shuffled_split
from .generated import Generated


class Moons(Generated):
    """Two interleaved half circles in the plane; 75 % are for training."""

    kind: Literal["moons"] = "moons"
    noise: Annotated[float, Field(ge=0, le=10)] = 0.12
    """Standard deviation of the noise on each coordinate."""
    source: ClassVar[str] = "sklearn.datasets.make_moons"

    def forms(self) -> Mapping[Layout, Shape]:
        return {"flat": (2,)}

    def outputs(self) -> int:
        return 2

    def draw(self) -> Split:
        from sklearn.datasets import make_moons

        inputs, targets = make_moons(n_samples=self.n, noise=self.noise, random_state=self.seed)
        return shuffled_split(inputs.astype(np.float32), targets.astype(np.int64), train=self.size()[0], seed=self.seed)
