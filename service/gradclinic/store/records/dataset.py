"""Metadata of uploaded data sets, also after deletion."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

Task = Literal["classification", "regression"]


@dataclass(frozen=True)
class DatasetRecord:
    """Metadata of an uploaded data set."""

    id: str
    digest: str
    task: Task
    rows: int
    shape: tuple[int, ...]
    """Shape of one row's inputs."""
    outputs: int
    classes: Sequence[str] | None
    """Names of the classes 0, 1, ...; None for a regression."""
    features: Sequence[str] | None
    """Names of the columns; None if the upload had none."""
    created_at: datetime
    bytes: int
    """Compressed size of the stored arrays in bytes."""


@dataclass(frozen=True)
class DeletedDataset:
    """Metadata kept after deletion, so that runs on the data set can still be shown."""

    id: str
    task: Task
    rows: int
    shape: tuple[int, ...]
    """Shape of one row's inputs."""
    outputs: int
