from collections.abc import Mapping
from typing import Annotated, ClassVar, Literal

import numpy as np
from pydantic import Field

from ...kernel.spec import Shape
from ..layers import Layout
from .base import Split, shuffled_split
from .generated import Generated


class Blobs(Generated):
    """Gaussian clusters, one per class, with centres uniform in [-10, 10]. 75 % are for training."""

    kind: Literal["blobs"] = "blobs"
    dim: Annotated[int, Field(ge=1, le=4096)] = 10
    """Features."""
    classes: Annotated[int, Field(ge=2, le=1000)] = 4
    """Clusters."""
    std: Annotated[float, Field(gt=0, le=1000)] = 2.0
    """Standard deviation of each cluster in each feature."""
    label_noise: Annotated[float, Field(ge=0, le=1)] = 0.0
    """Fraction of labels replaced by random ones, in both splits."""
    source: ClassVar[str] = "as in sklearn.datasets.make_blobs, drawn by numpy"

    def forms(self) -> Mapping[Layout, Shape]:
        return {"flat": (self.dim,)}

    def outputs(self) -> int:
        return self.classes

    def draw(self) -> Split:
        generator = np.random.default_rng([self.seed, 1])
        centres = generator.uniform(-10, 10, (self.classes, self.dim))
        classes = np.arange(self.n) % self.classes
        inputs = centres[classes] + self.std * generator.standard_normal((self.n, self.dim))
        noisy = generator.random(self.n) < self.label_noise
        targets = np.where(noisy, generator.integers(0, self.classes, self.n), classes)
        return shuffled_split(inputs.astype(np.float32), targets, train=self.size()[0], seed=self.seed)
