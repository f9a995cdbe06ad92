"""Reads uploaded files, rejects those that cannot be trained on, and returns a canonical form: a `Table`.

`python -m gradclinic.experiments.uploads` reads one file in a separate process with limited memory.
"""

from collections.abc import Callable
from typing import Literal

from ..datasets.base import Task
from .csv_file import from_csv
from .npz_file import from_npz
from .parquet_file import from_parquet
from .table import PackedTable, Table, unpacked

UploadFormat = Literal["npz", "csv", "parquet"]


def read(body: bytes, upload_format: UploadFormat, *, target: str | None, task: Task | None, most_bytes: int) -> Table:
    """The table in a file; raises InvalidDataset."""
    if upload_format == "npz":
        return from_npz(body, task=task, most_bytes=most_bytes)
    return _TABLES[upload_format](body, target=target, task=task, most_bytes=most_bytes)


_TABLES: dict[UploadFormat, Callable[..., Table]] = {"csv": from_csv, "parquet": from_parquet}

__all__ = ["PackedTable", "Table", "UploadFormat", "from_csv", "from_npz", "from_parquet", "read", "unpacked"]
