"""Targets that are text: the names of classes."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from .refusal import refused

MOST_LABEL_CHARACTERS = 200
"""Longest name of a class. Names are shown on pages and stored in each answer; a longer text is not a class name."""


@dataclass(frozen=True)
class Labels:
    """Targets that are text, each distinct text stored once."""

    codes: npt.NDArray[np.int64]
    """Index into `names`, for each row."""
    names: tuple[str, ...]
    """The distinct texts, sorted."""


def check_label(label: str, row: int) -> None:
    """Raises InvalidDataset if a row's label is too long for the name of a class."""
    if len(label) > MOST_LABEL_CHARACTERS:
        raise refused(
            f"row {row}: the target has {len(label):,} characters",
            value=label[:100],
            allowed=f"a number, or the name of a class with at most {MOST_LABEL_CHARACTERS} characters",
        )
