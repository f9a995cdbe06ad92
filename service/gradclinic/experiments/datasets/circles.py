from collections.abc import Mapping
from typing import Annotated, ClassVar, Literal

import numpy as np
from pydantic import Field

from ...kernel.spec import Shape
from ..layers import Layout
from .base import Split, shuffled_split
from .generated import Generated


class Circles(Generated):
    """A small circle inside a large one; 75 % are for training."""

    kind: Literal["circles"] = "circles"
    noise: Annotated[float, Field(ge=0, le=10)] = 0.08
    """Standard deviation of the noise on each coordinate."""
    factor: Annotated[float, Field(gt=0, lt=1)] = 0.5
    """Radius of the small circle relative to the large one."""
    one_scalar: ClassVar[bool] = True
    source: ClassVar[str] = "sklearn.datasets.make_circles"

    def forms(self) -> Mapping[Layout, Shape]:
        return {"flat": (2,)}

    def outputs(self) -> int:
        return 2

    def draw(self) -> Split:
        from sklearn.datasets import make_circles

        inputs, targets = make_circles(n_samples=self.n, noise=self.noise, factor=self.factor, random_state=self.seed)
        return shuffled_split(inputs.astype(np.float32), targets.astype(np.int64), train=self.size()[0], seed=self.seed)
