"""Reads a Parquet table."""

import io
from typing import Any

import numpy as np

from ..datasets.base import Task
from .header import check_values, target_column
from .labels import Labels, check_label
from .refusal import refused
from .table import MOST_CLASSES, Table, likely_task, table_of


def from_parquet(body: bytes, *, target: str | None, task: Task | None, most_bytes: int) -> Table:
    """A Parquet table; the target is the last column unless another one is named."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        opened = pq.ParquetFile(io.BytesIO(body))
        header = list(opened.schema_arrow.names)
        column = target_column(header, target)
        declared = opened.metadata.num_rows
        groups = [opened.metadata.row_group(i).num_rows for i in range(opened.metadata.num_row_groups)]
        if sum(groups) != declared:
            raise refused(
                f"the file declares {declared:,} rows, but its row groups have {sum(groups):,}",
                value=declared,
                allowed="a Parquet table whose numbers of rows agree",
            )
        check_values(declared * len(header), most_bytes=most_bytes)
        for field in opened.schema_arrow:
            numeric = pa.types.is_integer(field.type) or pa.types.is_floating(field.type)
            text = pa.types.is_string(field.type) or pa.types.is_large_string(field.type)
            if not (numeric or pa.types.is_boolean(field.type) or (text and field.name == header[column])):
                raise refused(f"column {field.name!r} has type {field.type}", value=str(field.type), allowed="numbers")
        read = pq.read_table(io.BytesIO(body), read_dictionary=[header[column]], use_threads=False)
    except MemoryError:  # pyarrow's is an ArrowException too
        raise
    except (pa.ArrowException, OSError, UnicodeDecodeError):
        raise refused("the body is not a readable Parquet file", allowed="a Parquet table") from None
    for name in header:
        if read[name].null_count:
            raise refused(f"column {name!r} has {read[name].null_count} missing values", allowed="a value in each row")
    names = tuple(name for i, name in enumerate(header) if i != column)
    columns = [np.asarray(read[name].to_numpy(), np.float64) for name in names]
    target_type = opened.schema_arrow.field(column).type
    is_text = pa.types.is_string(target_type) or pa.types.is_large_string(target_type)
    values = _parquet_labels(read[header[column]]) if is_text else read[header[column]].to_numpy()
    rows = len(values.codes) if isinstance(values, Labels) else len(values)
    return table_of(
        np.stack(columns, axis=1) if columns else np.zeros((rows, 0)),
        values,
        task=task or likely_task(values),
        features=names,
    )


def _parquet_labels(column: Any) -> Labels:
    """The labels of a column of text that pyarrow read as a dictionary."""
    encoded = column.unify_dictionaries().combine_chunks()
    indices = np.asarray(encoded.indices.to_numpy(zero_copy_only=False), np.int64)
    used, codes = np.unique(indices, return_inverse=True)
    if len(used) > MOST_CLASSES:
        raise refused(f"there are {len(used)} classes", value=len(used), allowed=f"2 to {MOST_CLASSES}")
    texts = []
    for index in used:
        text = encoded.dictionary[int(index)].as_py()
        check_label(text, int(np.argmax(indices == index)) + 1)
        texts.append(text)
    names = tuple(sorted(texts))
    return Labels(np.array([names.index(text) for text in texts], np.int64)[codes], names)
