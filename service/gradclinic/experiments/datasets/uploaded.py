from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import prod
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
import numpy.typing as npt
from pydantic import Field

from ...kernel.errors import InvalidSpec
from ...kernel.spec import Shape
from ..layers import Layout
from .base import Dataset, Split, Task, shuffled_split


@dataclass(frozen=True)
class Stored:
    """What is known of an uploaded data set, and where its arrays come from."""

    task: Task
    rows: int
    shape: Shape
    outputs: int
    load: Callable[[], tuple[npt.NDArray[Any], npt.NDArray[Any]]]
    """Inputs [rows, *shape] float32; targets [rows] int64, or [rows, outputs] float32. Raises NotFound once deleted."""
    deleted: bool = False
    """Whether the rows are gone, so that nothing can be trained on them any more."""


Lookup = Callable[[str], Stored | None]
"""The data set of that id; None where there is none."""

_KNOWN: dict[str, Stored] = {}
_MOST_KNOWN = 256
_ALLOWED = "the id of an upload: see GET /v1/datasets"
_lookup: Lookup | None = None


def provide(lookup: Lookup) -> None:
    """Say where this process finds uploaded data sets; the latest word holds."""
    global _lookup  # noqa: PLW0603  # one a process: specs carry an id, and no connection
    _lookup = lookup
    _KNOWN.clear()


def forget(dataset_id: str) -> None:
    """Look a data set up anew the next time that an experiment names it."""
    _KNOWN.pop(dataset_id, None)


class Uploaded(Dataset):
    """Rows that somebody uploaded with `POST /v1/datasets`, split by the data's own seed."""

    kind: Literal["uploaded"] = "uploaded"
    id: Annotated[str, Field(pattern=r"^data_[0-9a-f]{24}$")]
    """The data set, as the upload was answered."""
    validation: Annotated[float, Field(ge=0.05, le=0.5)] = 0.25
    """Share of the rows that is kept for validation."""
    source: ClassVar[str] = "Your own rows, by the digest of their content"

    @property
    def task(self) -> Task:  # type: ignore[override]  # only the rows know
        """Classification or regression, as it was uploaded."""
        return self._stored().task

    def forms(self) -> Mapping[Layout, Shape]:
        shape = self._stored().shape
        natural: dict[int, Layout] = {2: "sequence", 3: "image"}
        forms: dict[Layout, Shape] = {"flat": (prod(shape),)}
        if len(shape) in natural:
            forms[natural[len(shape)]] = shape
        return forms

    def outputs(self) -> int:
        return self._stored().outputs

    def size(self) -> tuple[int, int]:
        rows = self._stored().rows
        held_out = min(max(round(rows * self.validation), 1), rows - 1)
        return rows - held_out, held_out

    def check_present(self) -> None:
        if self._stored().deleted:
            raise InvalidSpec.at("/data/id", f"the data set {self.id} was deleted", value=self.id, allowed=_ALLOWED)

    def draw(self) -> Split:
        inputs, targets = self._stored().load()
        return shuffled_split(inputs, np.asarray(targets), train=self.size()[0], seed=self.seed)

    def _stored(self) -> Stored:
        if (known := _KNOWN.get(self.id)) is not None:
            return known
        found = None if _lookup is None else _lookup(self.id)
        if found is None:
            raise InvalidSpec.at("/data/id", f"there is no data set {self.id}", value=self.id, allowed=_ALLOWED)
        if found.deleted:  # the same rows may be sent again
            return found
        if len(_KNOWN) >= _MOST_KNOWN:
            _KNOWN.clear()
        _KNOWN[self.id] = found
        return found
