"""What every data set says about itself, and how its samples are prepared."""

from abc import abstractmethod
from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

import numpy as np
import numpy.typing as npt
from pydantic import Field

from ..presets.base import Layout
from ..spec import Seed, Shape, Spec

FloatArray = npt.NDArray[np.float32]
Task = Literal["classification", "regression"]


@dataclass(frozen=True)
class Samples:
    """Inputs [n, *input_shape] and targets: class indices [n] int64, or values [n, outputs] float32."""

    inputs: npt.NDArray[np.float32]
    targets: npt.NDArray[np.generic]

    def __len__(self) -> int:
        return len(self.inputs)


@dataclass(frozen=True)
class Split:
    """The two halves of a data set; which sample is in which is fixed by the data's own seed."""

    train: Samples
    validation: Samples

    def constant_loss(self, task: Task) -> float:
        """Training loss of the best constant predictor: the class entropy (nats), or the target variance (MSE)."""
        if task == "classification":
            shares = np.bincount(self.train.targets.astype(np.int64)) / len(self.train)
            shares = shares[shares > 0]
            return float(-(shares * np.log(shares)).sum())
        return float(self.train.targets.astype(np.float64).var(axis=0).mean())


class Dataset(Spec):
    """A data set, as declared: real and shipped with a library, or generated from its own seed."""

    kind: str
    seed: Seed = 0
    """Fixes what is drawn and the split, apart from the training seed."""
    standardize: bool = True
    """Zero mean and unit variance of the inputs (and of regression targets), measured on the training split."""
    scale: Annotated[float, Field(gt=0, le=1e6)] = 1.0
    """Multiplies the inputs when `standardize` is false."""
    shift: Annotated[float, Field(ge=-1e6, le=1e6)] = 0.0
    """Added to the scaled inputs when `standardize` is false."""

    task: ClassVar[Task] = "classification"
    one_scalar: ClassVar[bool] = False
    """Standardize by one scalar, which keeps the geometry, instead of feature by feature."""
    source: ClassVar[str]

    @abstractmethod
    def input_shape(self, layout: Layout) -> Shape:
        """Shape of one sample for a model of that layout; raises InvalidSpec where the data has no such form."""

    @abstractmethod
    def outputs(self) -> int:
        """Classes, or regression targets."""

    @abstractmethod
    def size(self) -> tuple[int, int]:
        """Samples for training and for validation."""

    @abstractmethod
    def draw(self) -> Split:
        """The raw samples, inputs flat or in their natural shape, before standardizing."""

    def sample(self, layout: Layout) -> Split:
        """The samples as a model of that layout takes them, standardized as declared."""
        raw = self.draw()
        shape = self.input_shape(layout)
        mean, deviation = (
            self._moments(raw.train.inputs) if self.standardize else (-self.shift / self.scale, 1 / self.scale)
        )
        train = self._prepared(raw.train, mean, deviation, shape)
        validation = self._prepared(raw.validation, mean, deviation, shape)
        if self.task == "regression" and self.standardize:
            return _with_standard_targets(train, validation)
        return Split(train, validation)

    def _moments(self, inputs: FloatArray) -> tuple[npt.ArrayLike, npt.ArrayLike]:
        axis = None if self.one_scalar else 0
        mean, deviation = inputs.mean(axis=axis, dtype=np.float64), inputs.std(axis=axis, dtype=np.float64)
        return mean, np.where(deviation > 0, deviation, 1.0)

    @staticmethod
    def _prepared(samples: Samples, mean: npt.ArrayLike, deviation: npt.ArrayLike, shape: Shape) -> Samples:
        inputs = ((samples.inputs - mean) / deviation).astype(np.float32)
        return Samples(np.ascontiguousarray(inputs.reshape(len(inputs), *shape)), samples.targets)


def _with_standard_targets(train: Samples, validation: Samples) -> Split:
    targets = train.targets.astype(np.float64)
    mean, deviation = targets.mean(axis=0), targets.std(axis=0)
    deviation = np.where(deviation > 0, deviation, 1.0)
    halves = [
        Samples(half.inputs, ((half.targets - mean) / deviation).astype(np.float32)) for half in (train, validation)
    ]
    return Split(*halves)


def shuffled_split(inputs: FloatArray, targets: npt.NDArray[np.generic], *, train: int, seed: int) -> Split:
    """The first `train` samples of a shuffle by the data's seed, and the rest for validation."""
    order = np.random.default_rng(seed).permutation(len(inputs))
    first, rest = order[:train], order[train:]
    return Split(Samples(inputs[first], targets[first]), Samples(inputs[rest], targets[rest]))


def only_flat(kind: str, features: int, layout: Layout) -> Shape:
    """[features] for a model that takes flat samples; refuses any other layout with a reason."""
    from ..errors import InvalidSpec

    if layout != "flat":
        raise InvalidSpec.at(
            "/data/kind",
            f"{kind} has {features} plain features, which a model of {layout}s cannot take",
            value=kind,
            allowed="data whose samples have that layout, or a model for flat samples (mlp)",
        )
    return (features,)
