from collections.abc import Mapping
from typing import Annotated, ClassVar, Literal

import numpy as np
from pydantic import Field

from ...kernel.spec import Shape
from ..layers import Layout
from .base import Split, shuffled_split
from .generated import Generated


class Spirals(Generated):
    """Two interleaved spirals in the plane, with uniform density over the disc. 75 % are for training."""

    kind: Literal["spirals"] = "spirals"
    turns: Annotated[float, Field(gt=0, le=20)] = 1.0
    """Full turns of each spiral."""
    noise: Annotated[float, Field(ge=0, le=10)] = 0.02
    """Standard deviation of the noise on each coordinate; the outermost point is at radius 1."""
    one_scalar: ClassVar[bool] = True
    source: ClassVar[str] = "Lang and Witbrock 1988, Connectionist Models Summer School"

    def forms(self) -> Mapping[Layout, Shape]:
        return {"flat": (2,)}

    def outputs(self) -> int:
        return 2

    def draw(self) -> Split:
        generator = np.random.default_rng([self.seed, 1])
        radius = np.sqrt(generator.random(self.n))
        targets = np.arange(self.n) % 2
        angle = 2 * np.pi * self.turns * radius + np.pi * targets
        inputs = np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1)
        inputs += self.noise * generator.standard_normal(inputs.shape)
        return shuffled_split(inputs.astype(np.float32), targets, train=self.size()[0], seed=self.seed)
