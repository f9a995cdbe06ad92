"""Uploaded data sets, as they are returned."""

from datetime import datetime
from typing import Literal

from .base import Answer


class DatasetAnswer(Answer):
    """An uploaded data set."""

    id: str
    """The id to use in an experiment's `data`: `{"kind": "uploaded", "id": ...}`."""
    digest: str
    """SHA-256 of the content."""
    task: Literal["classification", "regression"]
    rows: int
    shape: list[int]
    """Shape of the inputs of one row."""
    outputs: int
    """Number of classes, or of values to predict."""
    classes: list[str] | None
    """Names of the classes 0, 1, ...; null for a regression."""
    features: list[str] | None
    """Names of the columns; null if the upload had none."""
    created_at: datetime
    bytes: int
    """Size of the stored arrays, compressed."""


class DatasetDetailAnswer(DatasetAnswer):
    """An uploaded data set, with the number of runs that use it."""

    runs: int
    """Number of runs that use it, including queued ones."""


class DatasetPage(Answer):
    """A page of uploaded data sets; the header `Link` has the address of the next page."""

    items: list[DatasetAnswer]
    next: str | None
    """Value of `after` for the next page; null on the last page."""
