"""Uploaded data sets."""

from collections.abc import Iterator
from pathlib import Path

from ..kernel import errors
from ..schemas.dataset import DatasetAnswer, DatasetDetailAnswer
from .connection import Calls, id_in_path, without_none

_KINDS = {".npz": "application/x-npz", ".csv": "text/csv", ".parquet": "application/vnd.apache.parquet"}


class DatasetCalls(Calls):
    """The methods of `Clinic` for uploaded data sets."""

    def upload(self, file: str | Path, *, target: str | None = None, task: str | None = None) -> DatasetAnswer:
        """Upload your own rows; an experiment uses them as `{"kind": "uploaded", "id": answer.id}`.

        The file is an npz with the arrays `inputs` and `targets`, or a CSV or Parquet table. In a table, `target` is
        the column to predict, by default the last one. Uploading the same content again returns the same data set.
        """
        path = Path(file)
        if (kind := _KINDS.get(path.suffix.lower())) is None:
            raise errors.InvalidSpec.at("", "not a data file", value=path.name, allowed=", ".join(_KINDS))
        parameters = without_none({"target": target, "task": task})
        return self.connection.upload(DatasetAnswer, "/v1/datasets", path.read_bytes(), kind=kind, **parameters)

    def datasets(self) -> Iterator[DatasetAnswer]:
        """Iterate over the uploaded data sets."""
        return self.connection.items(DatasetAnswer, "/v1/datasets")

    def get_dataset(self, dataset_id: str) -> DatasetDetailAnswer:
        """Get an uploaded data set, with the number of runs that use it."""
        return self.connection.get(DatasetDetailAnswer, f"/v1/datasets/{id_in_path(dataset_id)}")

    def delete_dataset(self, dataset_id: str) -> None:
        """Delete a data set; runs on it keep their results. Raises Conflict while an unfinished run needs it."""
        self.connection.delete(f"/v1/datasets/{id_in_path(dataset_id)}")
