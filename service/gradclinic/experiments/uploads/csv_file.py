"""Reads a CSV table with a header."""

import csv
import io
from array import array
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from ..datasets.base import Task
from .header import check_values, is_number, target_column
from .labels import Labels, check_label
from .refusal import refused
from .table import Table, likely_task, table_of

MOST_LINE_CHARACTERS = 4 * 2**20
"""Longest line of a CSV file: 65,536 values of 64 characters each. It bounds the memory of one row."""


def from_csv(body: bytes, *, target: str | None, task: Task | None, most_bytes: int) -> Table:
    """A CSV table with a header; the target is the last column unless another one is named."""
    targets: list[str] = []
    try:
        reader = csv.reader(_lines(body), strict=True)
        header = [name.strip() for name in next(reader, [])]
        column = target_column(header, target)
        numbers = array("d")
        distinct: dict[str, str] = {}
        for row in reader:
            if not row:
                continue
            number = len(targets) + 1
            if len(row) != len(header):
                raise refused(
                    f"row {number} and the header have different lengths",
                    value=len(row),
                    allowed=f"{len(header)} values, as in the header",
                )
            check_values(number * len(header), most_bytes=most_bytes)
            label = row.pop(column).strip()
            check_label(label, number)
            targets.append(distinct.setdefault(label, label))
            numbers.extend(_number(text, number, header, i + (i >= column)) for i, text in enumerate(row))
    except UnicodeDecodeError:
        raise refused(f"byte {_first_invalid_byte(body)} is not UTF-8 text", allowed="a CSV file in UTF-8") from None
    except csv.Error:
        raise refused(
            f"the line at row {len(targets) + 1} cannot be read",
            allowed='comma-separated values, with text in "double quotes" where it has a comma',
        ) from None
    names = tuple(name for i, name in enumerate(header) if i != column)
    labels = _labels(targets, header[column], task)
    inputs = np.frombuffer(numbers, np.float64).reshape(len(targets), len(names))
    return table_of(inputs, labels, task=task or likely_task(labels), features=names)


def _lines(body: bytes) -> Iterator[str]:
    """The lines of a CSV file, decoded one after the other; raises InvalidDataset at a line that is too long."""
    text = io.TextIOWrapper(io.BytesIO(body), encoding="utf-8-sig", newline="")
    number = 1
    while line := text.readline(MOST_LINE_CHARACTERS + 1):
        if len(line) > MOST_LINE_CHARACTERS:
            raise refused(
                f"line {number} has more than {MOST_LINE_CHARACTERS:,} characters",
                allowed=f"lines of at most {MOST_LINE_CHARACTERS:,} characters",
            )
        yield line
        number += 1


def _first_invalid_byte(body: bytes) -> int:
    """Index of the first byte that is not UTF-8 text."""
    try:
        body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        return error.start
    return len(body)


def _number(text: str, row: int, header: Sequence[str], column: int) -> float:
    try:
        return float(text)
    except ValueError:
        raise refused(
            f"row {row}, column {header[column]!r}: {text[:100]!r} is not a number",
            value=text[:100],
            allowed="a number",
        ) from None


def _labels(texts: Sequence[str], name: str, task: Task | None) -> npt.NDArray[Any] | Labels:
    """The targets of a CSV file as integers, as floats, or as labels."""
    if "" in texts:
        raise refused(
            f"row {texts.index('') + 1}, column {name!r}: the value is missing", allowed="a value in each row"
        )
    try:
        return np.array([int(text) for text in texts], np.int64)
    except (ValueError, OverflowError):
        pass
    if task == "regression" or (task is None and any(is_number(text) for text in texts)):
        return np.array([_number(text, i + 1, [name], 0) for i, text in enumerate(texts)], np.float64)
    names = tuple(sorted(set(texts)))
    codes = {text: code for code, text in enumerate(names)}
    return Labels(np.fromiter((codes[text] for text in texts), np.int64, len(texts)), names)
