"""The base class of data sets, and the preparation of their samples."""

from abc import abstractmethod
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
import numpy.typing as npt
from pydantic import Field
from typing_extensions import Self

from ...kernel.errors import InvalidSpec
from ...kernel.spec import Seed, Shape, Spec
from ..layers import Layout

Task = Literal["classification", "regression"]
FloatArray = npt.NDArray[np.float32]
Doubles = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Samples:
    """Inputs [n, *input_shape] float32 (symbols: int64); targets: classes [n] int64, or values [n, outputs] float32."""

    inputs: npt.NDArray[Any]
    targets: npt.NDArray[np.generic]

    def __len__(self) -> int:
        return len(self.inputs)


@dataclass(frozen=True)
class Split:
    """The training and validation samples of a data set; the split is determined by the data set's own seed."""

    train: Samples
    validation: Samples
    target_variance: float = field(default=1.0, kw_only=True)
    """Variance of the raw targets if they were standardized (mean over several targets), otherwise 1."""


@dataclass(frozen=True)
class Upload:
    """Metadata of uploaded rows, and how to load them."""

    task: Task
    count: int
    """Number of rows."""
    shape: Shape
    """Shape of one row's inputs."""
    outputs: int
    load: Callable[[], tuple[npt.NDArray[Any], npt.NDArray[Any]]] = field(compare=False)
    """Inputs [count, *shape] float32; targets [count] int64 or [count, outputs] float32. Raises NotFound if deleted."""
    deleted: bool = False
    """Whether the rows were deleted; runs can no longer train on them."""


Uploads = Callable[[str], Upload | None]
"""The upload with this id, or None."""


class Dataset(Spec):
    """A data set: shipped with a library, uploaded, or generated from its own seed."""

    kind: str
    seed: Seed = 0
    """Seed of the generated samples and of the split, independent of the training seed."""
    standardize: bool = True
    """Standardize inputs (and regression targets) to mean 0 and variance 1, measured on the training split."""
    standardize_targets: bool | None = None
    """Standardize regression targets; null follows `standardize`. Class targets have no scale."""
    scale: Annotated[float, Field(gt=0, le=1e6)] = 1.0
    """Multiplies the inputs when `standardize` is false."""
    shift: Annotated[float, Field(ge=-1e6, le=1e6)] = 0.0
    """Added to the scaled inputs when `standardize` is false."""

    task: ClassVar[Task] = "classification"
    one_scalar: ClassVar[bool] = False
    """Standardize all features by one scalar, which keeps the geometry, instead of each feature separately."""
    inputs_as_they_are: ClassVar[bool] = False
    """Never standardize the inputs, because their scale is part of the task."""
    source: ClassVar[str]

    @abstractmethod
    def forms(self) -> Mapping[Layout, Shape]:
        """Shape of one sample in each layout that the data set offers."""

    def input_shape(self, layout: Layout) -> Shape:
        """Shape of one sample for a model of this layout; raises InvalidSpec if the data set does not offer it."""
        forms = self.forms()
        if layout not in forms:
            raise InvalidSpec.at(
                "/data/kind",
                f"data set {self.kind} has layout {_either(forms)}, but the model needs layout {layout}",
                value=self.kind,
                allowed=f"a model that takes layout {_either(forms)}, or a data set with layout {layout}",
            )
        return forms[layout]

    def with_uploads(self, uploads: Uploads) -> Self:  # built-in data needs none
        """A copy of the data set with access to its uploaded rows; raises InvalidSpec if the upload does not exist."""
        return self

    def check_present(self) -> None:
        """Raise InvalidSpec if the samples were deleted."""

    def symbols(self) -> int:
        """Size of the vocabulary for layout `tokens`; 0 if the data set does not offer this layout."""
        return 0

    def text_digest(self) -> str | None:
        """SHA-256 of the source text if it can differ between installations; otherwise None."""
        return None

    @abstractmethod
    def outputs(self) -> int:
        """Number of classes or of regression targets."""

    @abstractmethod
    def size(self) -> tuple[int, int]:
        """Samples for training and for validation."""

    @abstractmethod
    def draw(self) -> Split:
        """The raw samples, inputs flat or in their natural shape, before standardizing."""

    def sample(self, layout: Layout) -> Split:
        """The samples in this layout, standardized as declared."""
        raw = self.draw()
        shape = self.input_shape(layout)
        train, validation = (self._reshaped(half, self._factors(raw), shape) for half in (raw.train, raw.validation))
        if self.task == "regression" and self.targets_are_standardized:
            return _with_standard_targets(train, validation)
        return Split(train, validation)

    @property
    def targets_are_standardized(self) -> bool:
        """Whether regression targets are standardized, as declared."""
        return self.standardize if self.standardize_targets is None else self.standardize_targets

    def _factors(self, raw: Split) -> tuple[Doubles, Doubles]:
        """The shift subtracted from the inputs, and the scale they are then divided by."""
        if not self.standardize:
            return np.asarray(-self.shift / self.scale), np.asarray(1 / self.scale)
        if self.inputs_as_they_are:
            return np.asarray(0.0), np.asarray(1.0)
        inputs = raw.train.inputs.astype(np.float64)
        axis = None if self.one_scalar else 0
        mean, deviation = np.asarray(inputs.mean(axis=axis)), np.asarray(inputs.std(axis=axis))
        return mean, np.where(deviation > 0, deviation, 1.0)

    @staticmethod
    def _reshaped(samples: Samples, factors: tuple[Doubles, Doubles], shape: Shape) -> Samples:
        mean, deviation = factors
        inputs = ((samples.inputs - mean) / deviation).astype(np.float32)
        return Samples(np.ascontiguousarray(inputs.reshape(len(inputs), *shape)), samples.targets)


def _with_standard_targets(train: Samples, validation: Samples) -> Split:
    targets = train.targets.astype(np.float64)
    mean, deviation = targets.mean(axis=0), targets.std(axis=0)
    deviation = np.where(deviation > 0, deviation, 1.0)
    halves = [
        Samples(half.inputs, ((half.targets - mean) / deviation).astype(np.float32)) for half in (train, validation)
    ]
    return Split(*halves, target_variance=float((deviation**2).mean()))


def shuffled_split(inputs: npt.NDArray[Any], targets: npt.NDArray[np.generic], *, train: int, seed: int) -> Split:
    """Shuffles by the data set's seed; the first `train` samples are for training, the rest for validation."""
    order = np.random.default_rng(seed).permutation(len(inputs))
    first, rest = order[:train], order[train:]
    return Split(Samples(inputs[first], targets[first]), Samples(inputs[rest], targets[rest]))


def _either(layouts: Iterable[str]) -> str:
    return " or ".join(layouts)
