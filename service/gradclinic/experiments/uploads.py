"""Reads an uploaded table or pair of arrays, rejects data that cannot be trained on, and returns a canonical form."""

import csv
import hashlib
import io
import json
import zipfile
import zlib
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ..kernel.duplicate import first_duplicate
from ..kernel.errors import InvalidDataset
from ..kernel.spec import Shape
from .datasets.base import Task

FEWEST_ROWS = 8
MOST_CLASSES = 1000
MOST_VALUES_A_ROW = 65_536
EXPANSION = 4
"""Largest allowed ratio of bytes in memory to uploaded bytes."""
MOST_LABEL_CHARACTERS = 200
"""Longest name of a class. Names are shown on pages and stored in each answer; a longer text is no name of a class."""
MOST_LINE_CHARACTERS = 4 * 2**20
"""Longest line of a CSV file: 65,536 values of 64 characters each. It bounds the memory of one row."""


@dataclass(frozen=True)
class Labels:
    """Targets that are text, each distinct text stored once."""

    codes: npt.NDArray[np.int64]
    """Index into `names`, for each row."""
    names: tuple[str, ...]
    """The distinct texts, sorted."""


@dataclass(frozen=True)
class Table:
    """Canonical arrays: inputs float32 [n, ...]; targets int64 [n], or float32 [n, outputs]."""

    inputs: npt.NDArray[np.float32]
    targets: npt.NDArray[Any]
    task: Task
    classes: tuple[str, ...] | None
    """Names of the classes 0, 1, ...; None for a regression."""
    features: tuple[str, ...] | None
    """Names of the columns; None if the upload had none."""

    @property
    def shape(self) -> Shape:
        """Shape of one row's inputs."""
        return tuple(self.inputs.shape[1:])

    @property
    def outputs(self) -> int:
        """Number of classes or of values to predict."""
        return len(self.classes) if self.classes is not None else int(self.targets.shape[1])

    @property
    def digest(self) -> str:
        """SHA-256 of the content, independent of the file format."""
        facts = [self.task, self.inputs.shape, self.targets.shape, self.classes, self.features]
        found = hashlib.sha256(json.dumps(facts).encode())
        found.update(np.ascontiguousarray(self.inputs, dtype="<f4").tobytes())
        found.update(np.ascontiguousarray(self.targets, dtype="<i8" if self.classes else "<f4").tobytes())
        return found.hexdigest()

    def packed(self) -> bytes:
        """The arrays as a compressed npz."""
        file = io.BytesIO()
        np.savez_compressed(file, inputs=self.inputs, targets=self.targets)
        return file.getvalue()


def unpacked(content: bytes) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
    """Inputs and targets from the bytes that `packed` returned."""
    with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
        return arrays["inputs"], arrays["targets"]


def from_npz(body: bytes, *, task: Task | None, most_bytes: int) -> Table:
    """The arrays `inputs` and `targets` of an npz file; arrays that are too large by their header are not unpacked."""
    try:
        with zipfile.ZipFile(io.BytesIO(body)) as archive:
            inputs = _npy(archive, "inputs", most_bytes=most_bytes * EXPANSION)
            targets = _npy(archive, "targets", most_bytes=most_bytes * EXPANSION)
        if targets.dtype.kind == "U":
            "".join(targets.ravel().tolist()).encode()  # half a surrogate pair is not valid text
    except (zipfile.BadZipFile, zlib.error, ValueError, EOFError, OSError, RuntimeError) as error:
        raise _refused(
            f"the body is not a readable npz file: {error}", allowed="a file written by numpy.savez"
        ) from None
    if inputs.dtype.kind not in "fiub":
        raise _refused(f"inputs have type {inputs.dtype}", value=str(inputs.dtype), allowed="numbers")
    if not 2 <= inputs.ndim <= 4:
        raise _refused(
            f"inputs have the shape {list(inputs.shape)}",
            value=list(inputs.shape),
            allowed="[rows, features], [rows, steps, features] or [rows, channels, height, width]",
        )
    if targets.ndim == 2 and targets.shape[1] == 1:
        targets = targets[:, 0]
    if targets.dtype.kind == "U" and targets.dtype.itemsize > 4 * MOST_LABEL_CHARACTERS:
        longest = int(np.strings.str_len(targets).argmax())
        _check_label(str(targets.ravel()[longest]), longest + 1)
    if targets.dtype.kind not in "fiubU":
        raise _refused(f"targets have type {targets.dtype}", value=str(targets.dtype), allowed="numbers or strings")
    if task is None:
        task = "regression" if targets.dtype.kind == "f" else "classification"
    return _table(inputs, targets, task=task, features=None)


def from_csv(body: bytes, *, target: str | None, task: Task | None, most_bytes: int) -> Table:
    """A CSV table with a header; the target is the last column unless another one is named."""
    try:
        reader = csv.reader(_lines(body), strict=True)
        header = [name.strip() for name in next(reader, [])]
        column = _target_column(header, target)
        numbers = array("d")
        targets: list[str] = []
        distinct: dict[str, str] = {}
        for row in reader:
            if not row:
                continue
            number = len(targets) + 1
            if len(row) != len(header):
                raise _refused(
                    f"row {number} has {len(row)} values", value=len(row), allowed=f"{len(header)}, as in the header"
                )
            _check_values(number * len(header), most_bytes=most_bytes)
            label = row.pop(column).strip()
            _check_label(label, number)
            targets.append(distinct.setdefault(label, label))
            numbers.extend(_number(text, number, header, i + (i >= column)) for i, text in enumerate(row))
    except UnicodeDecodeError:
        raise _refused(f"byte {_first_invalid_byte(body)} is not UTF-8 text", allowed="a CSV file in UTF-8") from None
    except csv.Error as error:
        raise _refused(f"the body is not a readable CSV file: {error}", allowed="comma-separated values") from None
    names = tuple(name for i, name in enumerate(header) if i != column)
    labels = _labels(targets, header[column], task)
    inputs = np.frombuffer(numbers, np.float64).reshape(len(targets), len(names))
    return _table(inputs, labels, task=task or _likely(labels), features=names)


def from_parquet(body: bytes, *, target: str | None, task: Task | None, most_bytes: int) -> Table:
    """A Parquet table; the target is the last column unless another one is named."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        opened = pq.ParquetFile(io.BytesIO(body))
        header = list(opened.schema_arrow.names)
        column = _target_column(header, target)
        declared = opened.metadata.num_rows
        groups = [opened.metadata.row_group(i).num_rows for i in range(opened.metadata.num_row_groups)]
        if sum(groups) != declared:
            raise _refused(
                f"the file declares {declared:,} rows, but its row groups have {sum(groups):,}",
                value=declared,
                allowed="a Parquet table whose numbers of rows agree",
            )
        _check_values(declared * len(header), most_bytes=most_bytes)
        for field in opened.schema_arrow:
            numeric = pa.types.is_integer(field.type) or pa.types.is_floating(field.type)
            text = pa.types.is_string(field.type) or pa.types.is_large_string(field.type)
            if not (numeric or pa.types.is_boolean(field.type) or (text and field.name == header[column])):
                raise _refused(f"column {field.name!r} has type {field.type}", value=str(field.type), allowed="numbers")
        read = pq.read_table(io.BytesIO(body), read_dictionary=[header[column]])
    except pa.ArrowException as error:
        raise _refused(f"the body is not a readable Parquet file: {error}", allowed="a Parquet table") from None
    for name in header:
        if read[name].null_count:
            raise _refused(f"column {name!r} has {read[name].null_count} missing values", allowed="a value in each row")
    names = tuple(name for i, name in enumerate(header) if i != column)
    columns = [np.asarray(read[name].to_numpy(), np.float64) for name in names]
    target_type = opened.schema_arrow.field(column).type
    is_text = pa.types.is_string(target_type) or pa.types.is_large_string(target_type)
    values = _parquet_labels(read[header[column]]) if is_text else read[header[column]].to_numpy()
    rows = len(values.codes) if isinstance(values, Labels) else len(values)
    return _table(
        np.stack(columns, axis=1) if columns else np.zeros((rows, 0)),
        values,
        task=task or _likely(values),
        features=names,
    )


def _npy(archive: zipfile.ZipFile, name: str, *, most_bytes: int) -> npt.NDArray[Any]:
    if f"{name}.npy" not in archive.namelist():
        raise _refused(f"there is no array {name!r}", value=archive.namelist()[:20], allowed="inputs and targets")
    info = archive.getinfo(f"{name}.npy")
    with archive.open(info) as file:
        version = np.lib.format.read_magic(file)
        read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        shape, _, dtype = read(file)
    count = 1
    for length in shape:
        count *= length
    if max(count * dtype.itemsize, info.file_size, count * 4) > most_bytes:
        raise _refused(
            f"the array {name!r} would take {max(count * dtype.itemsize, info.file_size):,} bytes",
            value=list(shape),
            allowed=f"at most {most_bytes:,} bytes",
        )
    with archive.open(info) as file:
        array: npt.NDArray[Any] = np.lib.format.read_array(file, allow_pickle=False)
    return array


def _lines(body: bytes) -> Iterator[str]:
    """The lines of a CSV file, decoded one after the other; raises InvalidDataset at a line that is too long."""
    text = io.TextIOWrapper(io.BytesIO(body), encoding="utf-8-sig", newline="")
    number = 1
    while line := text.readline(MOST_LINE_CHARACTERS + 1):
        if len(line) > MOST_LINE_CHARACTERS:
            raise _refused(
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


def _check_values(values: int, *, most_bytes: int) -> None:
    """Raises InvalidDataset if a table of `values` numbers (8 bytes each) is larger than `most_bytes` allows."""
    most = most_bytes * EXPANSION // 8
    if values > most:
        raise _refused(
            f"the table has more than the {most:,} values that this service accepts", allowed="fewer rows or columns"
        )


def _check_label(label: str, row: int) -> None:
    if len(label) > MOST_LABEL_CHARACTERS:
        raise _refused(
            f"row {row}: the target has {len(label):,} characters",
            value=label[:100],
            allowed=f"a number, or the name of a class with at most {MOST_LABEL_CHARACTERS} characters",
        )


def _parquet_labels(column: Any) -> Labels:
    """The labels of a column of text that pyarrow read as a dictionary."""
    encoded = column.unify_dictionaries().combine_chunks()
    indices = np.asarray(encoded.indices.to_numpy(zero_copy_only=False), np.int64)
    used, codes = np.unique(indices, return_inverse=True)
    if len(used) > MOST_CLASSES:
        raise _refused(f"there are {len(used)} classes", value=len(used), allowed=f"2 to {MOST_CLASSES}")
    texts = []
    for index in used:
        text = encoded.dictionary[int(index)].as_py()
        _check_label(text, int(np.argmax(indices == index)) + 1)
        texts.append(text)
    names = tuple(sorted(texts))
    return Labels(np.array([names.index(text) for text in texts], np.int64)[codes], names)


def _target_column(header: Sequence[str], target: str | None) -> int:
    if len(header) < 2 or not all(header):
        raise _refused("the header must name at least two columns, with no empty names", value=list(header)[:20])
    twice = first_duplicate(header)
    if twice is not None:
        raise _refused(f"duplicate column name {twice[:100]!r}", value=twice[:100], allowed="unique column names")
    if all(_is_number(name) for name in header):
        raise _refused("the first row contains numbers", value=list(header)[:20], allowed="a header with column names")
    if target is not None and target not in header:
        raise _refused(f"there is no column {target[:100]!r}", value=target[:100], allowed=", ".join(header[:20]))
    return len(header) - 1 if target is None else list(header).index(target)


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _number(text: str, row: int, header: Sequence[str], column: int) -> float:
    try:
        return float(text)
    except ValueError:
        raise _refused(
            f"row {row}, column {header[column]!r}: {text[:100]!r} is not a number",
            value=text[:100],
            allowed="a number",
        ) from None


def _labels(texts: Sequence[str], name: str, task: Task | None) -> npt.NDArray[Any] | Labels:
    """The targets of a CSV file as integers, as floats, or as labels."""
    if "" in texts:
        raise _refused(
            f"row {texts.index('') + 1}, column {name!r}: the value is missing", allowed="a value in each row"
        )
    try:
        return np.array([int(text) for text in texts], np.int64)
    except (ValueError, OverflowError):
        pass
    if task == "regression" or (task is None and any(_is_number(text) for text in texts)):
        return np.array([_number(text, i + 1, [name], 0) for i, text in enumerate(texts)], np.float64)
    names = tuple(sorted(set(texts)))
    codes = {text: code for code, text in enumerate(names)}
    return Labels(np.fromiter((codes[text] for text in texts), np.int64, len(texts)), names)


def _likely(targets: npt.NDArray[Any] | Labels) -> Task:
    """Guess the task: strings and integers 0..k-1 are classes; other numbers are regression targets."""
    if isinstance(targets, Labels):
        return "classification"
    if targets.dtype.kind in "Ub":
        return "classification"
    if targets.dtype.kind not in "iu" or len(targets) == 0 or int(targets.max()) >= MOST_CLASSES:
        return "regression"
    found = np.unique(targets)
    return "classification" if np.array_equal(found, np.arange(len(found))) else "regression"


def _table(
    inputs: npt.NDArray[Any], targets: npt.NDArray[Any] | Labels, *, task: Task, features: tuple[str, ...] | None
) -> Table:
    rows = len(inputs)
    named = targets.names if isinstance(targets, Labels) else None
    targets = targets.codes if isinstance(targets, Labels) else targets
    if targets.ndim == 0 or len(targets) != rows:
        raise _refused(
            f"there are {rows} rows of inputs, but targets have shape {list(targets.shape)}",
            allowed="one target per row",
        )
    if rows < FEWEST_ROWS:
        raise _refused(f"the data set has {rows} rows", value=rows, allowed=f"at least {FEWEST_ROWS}")
    values = inputs.size // rows
    if not 1 <= values <= MOST_VALUES_A_ROW:
        raise _refused(f"a row has {values} inputs", value=values, allowed=f"1 to {MOST_VALUES_A_ROW:,}")
    canonical = _finite(inputs, "inputs", features)
    if task == "regression":
        if named is not None or targets.dtype.kind == "U":
            first = named[targets[0]] if named is not None else str(targets.ravel()[0])
            raise _refused("the targets are strings", value=first[:100], allowed="numbers for a regression")
        outputs = _finite(targets.reshape(rows, -1), "targets", None)
        if not 1 <= outputs.shape[1] <= MOST_CLASSES:
            raise _refused(f"a row has {outputs.shape[1]} targets", allowed=f"1 to {MOST_CLASSES}")
        return Table(canonical, outputs, task, None, features)
    if named is not None and not 2 <= len(named) <= MOST_CLASSES:
        raise _refused(f"there are {len(named)} classes", value=len(named), allowed=f"2 to {MOST_CLASSES}")
    classes, names = (targets, named) if named is not None else _classes(targets)
    return Table(canonical, classes, task, names, features)


def _finite(array: npt.NDArray[Any], name: str, features: tuple[str, ...] | None) -> npt.NDArray[np.float32]:
    with np.errstate(over="ignore"):
        canonical = np.ascontiguousarray(array, dtype=np.float32)
    finite = np.isfinite(canonical)
    if not finite.all():
        place = [int(index) for index in np.unravel_index(int(finite.argmin()), finite.shape)]
        where = f"column {features[place[1]]!r}" if features else f"{name}{place[1:]}"
        value = str(array[tuple(place)])
        raise _refused(
            f"row {place[0] + 1}, {where}: {value} is not a finite number in single precision",
            value=value,
            allowed="finite numbers; fill in missing values or remove these rows",
        )
    return canonical


def _classes(targets: npt.NDArray[Any]) -> tuple[npt.NDArray[np.int64], tuple[str, ...]]:
    if targets.ndim != 1:
        raise _refused(f"class targets have shape {list(targets.shape)}", allowed="one class per row")
    if targets.dtype.kind == "f":
        _finite(targets, "targets", None)
    found, codes = np.unique(targets, return_inverse=True)
    if not 2 <= len(found) <= MOST_CLASSES:
        raise _refused(f"there are {len(found)} classes", value=len(found), allowed=f"2 to {MOST_CLASSES}")
    if targets.dtype.kind == "U":
        return codes.astype(np.int64), tuple(str(name) for name in found)
    wrong = np.flatnonzero(found != np.arange(len(found)))
    if len(wrong):
        value = found[wrong[0]].item()
        row = int(np.flatnonzero(targets == found[wrong[0]])[0]) + 1
        raise _refused(
            f"row {row}: class {value} leaves a gap in the class numbers",
            value=str(value),
            allowed="integers 0, 1, ... without gaps, or strings; use `task=regression` for real values",
        )
    return codes.astype(np.int64), tuple(str(number) for number in range(len(found)))


def _refused(message: str, *, value: Any = None, allowed: str | None = None) -> InvalidDataset:
    return InvalidDataset.at("", message, value=value, allowed=allowed)
