"""`/v1/datasets`: your own data, as npz, CSV or Parquet."""

from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request, Response
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException

from ..experiments.datasets.base import Task
from ..experiments.uploads import UploadFormat
from ..schemas.dataset import DatasetAnswer, DatasetDetailAnswer, DatasetPage
from ..store import Created, DatasetRecord
from ..use_cases.dataset import keep
from ..use_cases.upload import read_upload
from .http.accept import has_arrow
from .http.dependencies import BODY_PROBLEMS, TheService, problems
from .http.paging import PageOfDatasets

PATH = "/v1/datasets"
PARQUET = "application/vnd.apache.parquet"
_FORMATS: Mapping[str, UploadFormat] = {
    "application/x-npz": "npz",
    "application/octet-stream": "npz",
    "text/csv": "csv",
    PARQUET: "parquet",
}

router = APIRouter(prefix=PATH, tags=["datasets"])

DatasetId = Annotated[str, Path(min_length=1, max_length=40, pattern=r"^[A-Za-z0-9_]+$")]
Target = Annotated[
    str | None,
    Query(min_length=1, max_length=200, description="Column to predict; by default the last one."),
]
Wanted = Annotated[Task | None, Query(description="Kind of targets; by default it follows from their type.")]
_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {kind: {"schema": {"type": "string", "format": "binary"}} for kind in _FORMATS},
    }
}


@router.post(
    "",
    status_code=201,
    summary="Upload a data set",
    openapi_extra=_BODY,
    responses={200: {"description": "Already uploaded.", "model": DatasetAnswer}, **problems(*BODY_PROBLEMS)},
)
async def create_dataset(
    *, request: Request, response: Response, service: TheService, target: Target = None, task: Wanted = None
) -> DatasetAnswer:
    """An npz file with the arrays `inputs` and `targets`, or a CSV or Parquet table with column names.

    Classes are strings, or integers 0, 1, ... without a gap. The same content uploaded again is the same data set.
    """
    declared = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if declared not in _FORMATS:
        raise HTTPException(415, f"A data set must be {', '.join(_FORMATS)}, not {declared or 'of unknown type'}.")
    if declared == PARQUET and not has_arrow():
        raise HTTPException(415, "This service cannot read Parquet, because pyarrow is not installed.")
    body = await request.body()
    most_bytes = service.settings.max_dataset_bytes

    def read_and_keep() -> Created[DatasetRecord]:
        form = _FORMATS[declared]
        return keep(service.store, read_upload(body, form, target=target, task=task, most_bytes=most_bytes))

    created = await run_in_threadpool(read_and_keep)
    response.headers["Location"] = f"{PATH}/{created.item.id}"
    if created.replayed:
        response.status_code = 200
    return DatasetAnswer.model_validate(created.item)


@router.get("", summary="List data sets", responses=problems(422))
def list_datasets(*, service: TheService, paging: PageOfDatasets) -> DatasetPage:
    """Uploaded data sets, ordered by id."""
    page = service.store.datasets.page(after=paging.after, limit=paging.limit)
    return paging.answer(DatasetPage, page, item=DatasetAnswer.model_validate)


@router.get("/{dataset_id}", summary="Get a data set", responses=problems(404, 422))
def get_dataset(dataset_id: DatasetId, service: TheService) -> DatasetDetailAnswer:
    """Size, task, classes and digest, and the number of runs that use it."""
    found = DatasetAnswer.model_validate(service.store.datasets.get(dataset_id))
    runs = service.store.datasets.runs_by_dataset([dataset_id])[dataset_id]
    return DatasetDetailAnswer(**dict(found), runs=runs)


@router.delete(
    "/{dataset_id}",
    status_code=204,
    summary="Delete a data set",
    responses=problems(404, 409, 422),
    response_class=Response,
)
def delete_dataset(dataset_id: DatasetId, service: TheService) -> None:
    """Delete the rows. Refused if an unfinished run, a running search or a schedule needs them.

    Runs that were trained on it keep their results. They cannot be repeated until the same rows are uploaded again.
    """
    service.store.datasets.delete(dataset_id)
