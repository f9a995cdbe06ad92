"""Data sets that were uploaded."""

from collections.abc import Iterator
from pathlib import Path

from ..kernel import errors
from ..schemas.dataset import DatasetAnswer, DatasetDetailAnswer
from .connection import Calls, id_in_path, without_none

_KINDS = {".npz": "application/x-npz", ".csv": "text/csv", ".parquet": "application/vnd.apache.parquet"}


class DatasetCalls(Calls):
    """What can be asked about uploaded data sets."""

    def upload(self, file: str | Path, *, target: str | None = None, task: str | None = None) -> DatasetAnswer:
        """Upload your own rows; an experiment uses them as `{"kind": "uploaded", "id": answer.id}`.

        The file is an npz with the arrays `inputs` and `targets`, or a CSV or Parquet table whose column `target`
        (by default the last one) is to be predicted. The same content again is the same data set.
        """
        path = Path(file)
        if (kind := _KINDS.get(path.suffix.lower())) is None:
            raise errors.InvalidSpec.at("", "no file of a data set", value=path.name, allowed=", ".join(_KINDS))
        parameters = without_none({"target": target, "task": task})
        return self.connection.upload(DatasetAnswer, "/v1/datasets", path.read_bytes(), kind=kind, **parameters)

    def datasets(self) -> Iterator[DatasetAnswer]:
        """The data sets that were uploaded."""
        return self.connection.items(DatasetAnswer, "/v1/datasets")

    def get_dataset(self, dataset_id: str) -> DatasetDetailAnswer:
        """A data set that was uploaded, with the number of runs that name it."""
        return self.connection.get(DatasetDetailAnswer, f"/v1/datasets/{id_in_path(dataset_id)}")

    def delete_dataset(self, dataset_id: str) -> None:
        """Remove a data set; runs on it keep their results. Raises Conflict while an unfinished one needs it."""
        self.connection.delete(f"/v1/datasets/{id_in_path(dataset_id)}")
