"""Rows that somebody uploaded. The spec holds their id; whoever knows the rows hands them in with `with_uploads`."""

from collections.abc import Mapping
from math import prod
from typing import Annotated, ClassVar, Literal, Self

import numpy as np
from pydantic import Field, PrivateAttr

from ...kernel.errors import InvalidSpec
from ...kernel.spec import Shape
from ..layers import Layout
from .base import Dataset, Split, Task, Upload, Uploads, shuffled_split

_ALLOWED = "the id of an upload: see GET /v1/datasets"


class Uploaded(Dataset):
    """Rows that somebody uploaded with `POST /v1/datasets`, split by the data's own seed."""

    kind: Literal["uploaded"] = "uploaded"
    id: Annotated[str, Field(pattern=r"^data_[0-9a-f]{24}$")]
    """The data set, as the upload was answered."""
    validation: Annotated[float, Field(ge=0.05, le=0.5)] = 0.25
    """Share of the rows that is kept for validation."""
    source: ClassVar[str] = "Your own rows, by the digest of their content"

    _upload: Upload | None = PrivateAttr(default=None)

    def with_uploads(self, uploads: Uploads) -> Self:
        upload = uploads(self.id)
        if upload is None:
            raise InvalidSpec.at("/data/id", f"there is no data set {self.id}", value=self.id, allowed=_ALLOWED)
        known = self.model_copy()
        known._upload = upload
        return known

    @property
    def task(self) -> Task:  # type: ignore[override]  # only the rows know
        """Classification or regression, as it was uploaded."""
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
            raise RuntimeError(f"nobody handed in the rows of {self.id}: see Experiment.with_uploads")
        return self._upload
