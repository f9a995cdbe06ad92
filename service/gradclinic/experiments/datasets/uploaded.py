"""Uploaded rows. The spec holds only the data set's id; `with_uploads` adds access to the rows."""

from collections.abc import Mapping
from math import prod
from typing import Annotated, ClassVar, Literal

import numpy as np
from pydantic import Field, PrivateAttr
from typing_extensions import Self

from ...kernel.errors import InvalidSpec
from ...kernel.spec import Shape
from ..layers import Layout
from .base import Dataset, Split, Task, Upload, Uploads, shuffled_split

_ALLOWED = "the id of an uploaded data set; GET /v1/datasets lists them"


class Uploaded(Dataset):
    """Rows uploaded with `POST /v1/datasets`, split by the data set's own seed."""

    kind: Literal["uploaded"] = "uploaded"
    id: Annotated[str, Field(pattern=r"^data_[0-9a-f]{24}$")]
    """The id of the data set, as returned by the upload."""
    validation: Annotated[float, Field(ge=0.05, le=0.5)] = 0.25
    """Fraction of the rows used for validation."""
    source: ClassVar[str] = "Your own rows, identified by the digest of their content"

    _upload: Upload | None = PrivateAttr(default=None)

    def with_uploads(self, uploads: Uploads) -> Self:
        upload = uploads(self.id)
        if upload is None:
            raise InvalidSpec.at("/data/id", f"there is no data set {self.id}", value=self.id, allowed=_ALLOWED)
        known = self.model_copy()
        known._upload = upload
        return known

    @property
    def task(self) -> Task:  # type: ignore[override]  # known from the rows
        """Classification or regression, as given in the upload."""
        return self._rows.task

    def forms(self) -> Mapping[Layout, Shape]:
        shape = self._rows.shape
        natural: dict[int, Layout] = {2: "sequence", 3: "image"}
        forms: dict[Layout, Shape] = {"flat": (prod(shape),)}
        if len(shape) in natural:
            forms[natural[len(shape)]] = shape
        return forms

    def outputs(self) -> int:
        return self._rows.outputs

    def size(self) -> tuple[int, int]:
        rows = self._rows.count
        held_out = min(max(round(rows * self.validation), 1), rows - 1)
        return rows - held_out, held_out

    def check_present(self) -> None:
        if self._rows.deleted:
            raise InvalidSpec.at("/data/id", f"the data set {self.id} was deleted", value=self.id, allowed=_ALLOWED)

    def draw(self) -> Split:
        inputs, targets = self._rows.load()
        return shuffled_split(inputs, np.asarray(targets), train=self.size()[0], seed=self.seed)

    @property
    def _rows(self) -> Upload:
        if self._upload is None:
            raise RuntimeError(f"the rows of data set {self.id} are not loaded; call Experiment.with_uploads first")
        return self._upload
