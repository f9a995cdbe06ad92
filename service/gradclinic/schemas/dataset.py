"""Uploaded data sets, as they are returned."""

from datetime import datetime
from typing import Literal

from .base import Answer


class DatasetAnswer(Answer):
    """An uploaded data set."""

    id: str
    """What an experiment's `data` names: `{"kind": "uploaded", "id": ...}`."""
    digest: str
    """SHA-256 of the content."""
    task: Literal["classification", "regression"]
    rows: int
    shape: list[int]
    """Of one row's inputs."""
    outputs: int
    """Classes, or values to predict."""
    classes: list[str] | None
    """Names of the classes 0, 1, ...; null for a regression."""
    features: list[str] | None
    """Names of the columns; null where the upload had none."""
    created_at: datetime
    bytes: int
    """Of the arrays as they are stored, compressed."""


class DatasetDetailAnswer(DatasetAnswer):
    """An uploaded data set, and who used it."""

    runs: int
    """That were trained on it, or will be."""


class DatasetPage(Answer):
    """A page of uploaded data sets; the header `Link` leads to the next."""

    items: list[DatasetAnswer]
    next: str | None
    """Where to continue; null at the end."""
