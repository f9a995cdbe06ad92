"""The canonical form of an upload: arrays that can be trained on, whatever file they came in."""

import hashlib
import io
import json
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ...kernel.spec import Shape
from ..datasets.base import Task
from .labels import Labels
from .refusal import refused

FEWEST_ROWS = 8
MOST_CLASSES = 1000
MOST_VALUES_A_ROW = 65_536


@dataclass(frozen=True)
class Table:
    """Canonical arrays: inputs float32 [n, ...]; targets int64 [n], or float32 [n, outputs]."""

    inputs: npt.NDArray[np.float32]
    targets: npt.NDArray[Any]
    task: Task
    classes: tuple[str, ...] | None
    """Names of the classes 0, 1, ...; None for a regression."""
    features: tuple[str, ...] | None
    """Names of the columns; None if the upload had none."""

    @property
    def shape(self) -> Shape:
        """Shape of one row's inputs."""
        return tuple(self.inputs.shape[1:])

    @property
    def outputs(self) -> int:
        """Number of classes or of values to predict."""
        return len(self.classes) if self.classes is not None else int(self.targets.shape[1])

    @property
    def digest(self) -> str:
        """SHA-256 of the content, independent of the file format."""
        facts = [self.task, self.inputs.shape, self.targets.shape, self.classes, self.features]
        found = hashlib.sha256(json.dumps(facts).encode())
        found.update(np.ascontiguousarray(self.inputs, dtype="<f4").tobytes())
        found.update(np.ascontiguousarray(self.targets, dtype="<i8" if self.classes else "<f4").tobytes())
        return found.hexdigest()

    def packed(self) -> "PackedTable":
        """The table with its arrays as a compressed npz."""
        file = io.BytesIO()
        np.savez_compressed(file, inputs=self.inputs, targets=self.targets)
        return PackedTable(
            digest=self.digest,
            task=self.task,
            rows=len(self.inputs),
            shape=self.shape,
            outputs=self.outputs,
            classes=self.classes,
            features=self.features,
            content=file.getvalue(),
        )


@dataclass(frozen=True, kw_only=True)
class PackedTable:
    """A table as it is stored: its metadata, and its arrays as bytes."""

    digest: str
    task: Task
    rows: int
    shape: Shape
    outputs: int
    classes: tuple[str, ...] | None
    features: tuple[str, ...] | None
    content: bytes
    """The arrays as a compressed npz."""


def unpacked(content: bytes) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
    """Inputs and targets from the content of a packed table."""
    with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
        return arrays["inputs"], arrays["targets"]


def likely_task(targets: npt.NDArray[Any] | Labels) -> Task:
    """Guess the task: strings and integers 0..k-1 are classes; other numbers are regression targets."""
    if isinstance(targets, Labels):
        return "classification"
    if targets.dtype.kind in "Ub":
        return "classification"
    if targets.dtype.kind not in "iu" or len(targets) == 0 or int(targets.max()) >= MOST_CLASSES:
        return "regression"
    found = np.unique(targets)
    return "classification" if np.array_equal(found, np.arange(len(found))) else "regression"


def table_of(
    inputs: npt.NDArray[Any], targets: npt.NDArray[Any] | Labels, *, task: Task, features: tuple[str, ...] | None
) -> Table:
    """The canonical form of a file's content; raises InvalidDataset if it cannot be trained on."""
    rows = len(inputs)
    named = targets.names if isinstance(targets, Labels) else None
    targets = targets.codes if isinstance(targets, Labels) else targets
    if targets.ndim == 0 or len(targets) != rows:
        raise refused(
            f"there are {rows} rows of inputs, but targets have shape {list(targets.shape)}",
            allowed="one target per row",
        )
    if rows < FEWEST_ROWS:
        raise refused(f"the data set has {rows} rows", value=rows, allowed=f"at least {FEWEST_ROWS}")
    values = inputs.size // rows
    if not 1 <= values <= MOST_VALUES_A_ROW:
        raise refused(f"a row has {values} inputs", value=values, allowed=f"1 to {MOST_VALUES_A_ROW:,}")
    canonical = _finite(inputs, "inputs", features)
    if task == "regression":
        if named is not None or targets.dtype.kind == "U":
            first = named[targets[0]] if named is not None else str(targets.ravel()[0])
            raise refused("the targets are strings", value=first[:100], allowed="numbers for a regression")
        outputs = _finite(targets.reshape(rows, -1), "targets", None)
        if not 1 <= outputs.shape[1] <= MOST_CLASSES:
            raise refused(f"a row has {outputs.shape[1]} targets", allowed=f"1 to {MOST_CLASSES}")
        return Table(canonical, outputs, task, None, features)
    if named is not None and not 2 <= len(named) <= MOST_CLASSES:
        raise refused(f"there are {len(named)} classes", value=len(named), allowed=f"2 to {MOST_CLASSES}")
    classes, names = (targets, named) if named is not None else _classes(targets)
    return Table(canonical, classes, task, names, features)


def _finite(array: npt.NDArray[Any], name: str, features: tuple[str, ...] | None) -> npt.NDArray[np.float32]:
    with np.errstate(over="ignore"):
        canonical = np.ascontiguousarray(array, dtype=np.float32)
    finite = np.isfinite(canonical)
    if not finite.all():
        place = [int(index) for index in np.unravel_index(int(finite.argmin()), finite.shape)]
        where = f"column {features[place[1]]!r}" if features else f"{name}{place[1:]}"
        value = str(array[tuple(place)])
        raise refused(
            f"row {place[0] + 1}, {where}: {value} is not a finite number in single precision",
            value=value,
            allowed="finite numbers; fill in missing values or remove these rows",
        )
    return canonical


def _classes(targets: npt.NDArray[Any]) -> tuple[npt.NDArray[np.int64], tuple[str, ...]]:
    if targets.ndim != 1:
        raise refused(f"class targets have shape {list(targets.shape)}", allowed="one class per row")
    if targets.dtype.kind == "f":
        _finite(targets, "targets", None)
    found, codes = np.unique(targets, return_inverse=True)
    if not 2 <= len(found) <= MOST_CLASSES:
        raise refused(f"there are {len(found)} classes", value=len(found), allowed=f"2 to {MOST_CLASSES}")
    if targets.dtype.kind == "U":
        return codes.astype(np.int64), tuple(str(name) for name in found)
    wrong = np.flatnonzero(found != np.arange(len(found)))
    if len(wrong):
        value = found[wrong[0]].item()
        row = int(np.flatnonzero(targets == found[wrong[0]])[0]) + 1
        raise refused(
            f"row {row}: class {value} leaves a gap in the class numbers",
            value=str(value),
            allowed="integers 0, 1, ... without gaps, or strings; use `task=regression` for real values",
        )
    return codes.astype(np.int64), tuple(str(number) for number in range(len(found)))
