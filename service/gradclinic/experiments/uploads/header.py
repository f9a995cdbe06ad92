"""The header of a table: the names of its columns, one of which is the target."""

from collections.abc import Sequence

from ...kernel.duplicate import first_duplicate
from .refusal import refused

EXPANSION = 4
"""Largest allowed ratio of bytes in memory to uploaded bytes."""


def check_values(values: int, *, most_bytes: int) -> None:
    """Raises InvalidDataset if a table of `values` numbers (8 bytes each) is larger than `most_bytes` allows."""
    most = most_bytes * EXPANSION // 8
    if values > most:
        raise refused(
            f"the table has more than the {most:,} values that this service accepts", allowed="fewer rows or columns"
        )


def target_column(header: Sequence[str], target: str | None) -> int:
    """Index of the target's column: the last one unless another one is named. Raises InvalidDataset."""
    if len(header) < 2 or not all(header):
        raise refused("the header must name at least two columns, with no empty names", value=list(header)[:20])
    twice = first_duplicate(header)
    if twice is not None:
        raise refused(f"duplicate column name {twice[:100]!r}", value=twice[:100], allowed="unique column names")
    if all(is_number(name) for name in header):
        raise refused("the first row contains numbers", value=list(header)[:20], allowed="a header with column names")
    if target is not None and target not in header:
        raise refused(f"there is no column {target[:100]!r}", value=target[:100], allowed=", ".join(header[:20]))
    return len(header) - 1 if target is None else list(header).index(target)


def is_number(text: str) -> bool:
    """Whether a text is a number, which may be infinite or not a number."""
    try:
        float(text)
    except ValueError:
        return False
    return True
