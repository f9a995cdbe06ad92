from collections.abc import Mapping
from typing import Annotated, ClassVar, Literal

import numpy as np
from pydantic import Field

from ..layers import Layout
from ..spec import Shape
from .base import Split, shuffled_split
from .generated import Generated


class Blobs(Generated):
    """Gaussian clusters, one a class, their centres uniform in [-10, 10]; 75 % are for training."""

    kind: Literal["blobs"] = "blobs"
    dim: Annotated[int, Field(ge=1, le=4096)] = 10
    """Features."""
    classes: Annotated[int, Field(ge=2, le=1000)] = 4
    """Clusters."""
    std: Annotated[float, Field(gt=0, le=1000)] = 2.0
    """Standard deviation of each cluster in each feature."""
    label_noise: Annotated[float, Field(ge=0, le=1)] = 0.0
    """Share of the labels that are replaced by random ones, in both splits."""
    source: ClassVar[str] = "sklearn.datasets.make_blobs"

    def forms(self) -> Mapping[Layout, Shape]:
        return {"flat": (self.dim,)}

    def outputs(self) -> int:
        return self.classes

    def draw(self) -> Split:
        from sklearn.datasets import make_blobs

        inputs, targets = make_blobs(
            n_samples=self.n, n_features=self.dim, centers=self.classes, cluster_std=self.std, random_state=self.seed
        )
        generator = np.random.default_rng([self.seed, 1])
        noisy = generator.random(self.n) < self.label_noise
        targets = np.where(noisy, generator.integers(0, self.classes, self.n), targets)
        return shuffled_split(inputs.astype(np.float32), targets.astype(np.int64), train=self.size()[0], seed=self.seed)
