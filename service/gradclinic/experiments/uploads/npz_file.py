"""Reads an npz file with the arrays `inputs` and `targets`."""

import io
import lzma
import struct
import tokenize
import zipfile
import zlib
from typing import Any

import numpy as np
import numpy.typing as npt

from ..datasets.base import Task
from .header import EXPANSION
from .labels import MOST_LABEL_CHARACTERS, check_label
from .refusal import refused
from .table import Table, table_of

_UNREADABLE = (
    zipfile.BadZipFile,
    zlib.error,
    ValueError,
    EOFError,
    OSError,
    RuntimeError,
    KeyError,
    OverflowError,
    struct.error,
    SyntaxError,
    tokenize.TokenError,
    lzma.LZMAError,
)
"""What zipfile and numpy raise for a file that is damaged."""


def from_npz(body: bytes, *, task: Task | None, most_bytes: int) -> Table:
    """The arrays `inputs` and `targets` of an npz file; arrays that are too large by their header are not unpacked."""
    try:
        with zipfile.ZipFile(io.BytesIO(body)) as archive:
            inputs = _npy(archive, "inputs", most_bytes=most_bytes * EXPANSION)
            targets = _npy(archive, "targets", most_bytes=most_bytes * EXPANSION)
        if targets.dtype.kind == "U":
            "".join(targets.ravel().tolist()).encode()  # half a surrogate pair is not valid text
    except _UNREADABLE:
        raise refused("the body is not a readable npz file", allowed="a file written by numpy.savez") from None
    if inputs.dtype.kind not in "fiub":
        raise refused(f"inputs have type {inputs.dtype}", value=str(inputs.dtype), allowed="numbers")
    if not 2 <= inputs.ndim <= 4:
        raise refused(
            f"inputs have the shape {list(inputs.shape)}",
            value=list(inputs.shape),
            allowed="[rows, features], [rows, steps, features] or [rows, channels, height, width]",
        )
    if targets.ndim == 2 and targets.shape[1] == 1:
        targets = targets[:, 0]
    if targets.dtype.kind == "U" and targets.dtype.itemsize > 4 * MOST_LABEL_CHARACTERS:
        longest = int(np.strings.str_len(targets).argmax())
        check_label(str(targets.ravel()[longest]), longest + 1)
    if targets.dtype.kind not in "fiubU":
        raise refused(f"targets have type {targets.dtype}", value=str(targets.dtype), allowed="numbers or strings")
    if task is None:
        task = "regression" if targets.dtype.kind == "f" else "classification"
    return table_of(inputs, targets, task=task, features=None)


def _npy(archive: zipfile.ZipFile, name: str, *, most_bytes: int) -> npt.NDArray[Any]:
    if f"{name}.npy" not in archive.namelist():
        raise refused(f"there is no array {name!r}", value=archive.namelist()[:20], allowed="inputs and targets")
    info = archive.getinfo(f"{name}.npy")
    with archive.open(info) as file:
        version = np.lib.format.read_magic(file)
        read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        shape, _, dtype = read(file)
    count = 1
    for length in shape:
        count *= length
    if max(count * dtype.itemsize, info.file_size, count * 4) > most_bytes:
        raise refused(
            f"the array {name!r} would take {max(count * dtype.itemsize, info.file_size):,} bytes",
            value=list(shape),
            allowed=f"at most {most_bytes:,} bytes",
        )
    with archive.open(info) as file:
        array: npt.NDArray[Any] = np.lib.format.read_array(file, allow_pickle=False)
    return array
