"""Uploaded data sets: what is known of them, also after they were deleted."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

Task = Literal["classification", "regression"]


@dataclass(frozen=True)
class DatasetRecord:
    """What is known of an uploaded data set."""

    id: str
    digest: str
    task: Task
    rows: int
    shape: tuple[int, ...]
    """Of one row's inputs."""
    outputs: int
    classes: Sequence[str] | None
    """Names of the classes 0, 1, ...; None for a regression."""
    features: Sequence[str] | None
    """Names of the columns; None where the upload had none."""
    created_at: datetime
    bytes: int
    """Of the arrays as they are stored, compressed."""


@dataclass(frozen=True)
class DeletedDataset:
    """What stays known of a data set that was deleted, so that runs on it can be looked at."""

    id: str
    task: Task
    rows: int
    shape: tuple[int, ...]
    """Of one row's inputs."""
    outputs: int
