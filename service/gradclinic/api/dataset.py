"""`/v1/datasets`: data of one's own, as npz, CSV or Parquet."""

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
from .http.paging import ThePage

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
    Query(min_length=1, max_length=200, description="Column to predict; the last one where none is named."),
]
Wanted = Annotated[Task | None, Query(description="What the targets are; by their type where it is left out.")]
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
    responses={200: {"description": "It was there before.", "model": DatasetAnswer}, **problems(*BODY_PROBLEMS)},
)
async def create_dataset(
    *, request: Request, response: Response, service: TheService, target: Target = None, task: Wanted = None
) -> DatasetAnswer:
    """An npz file with the arrays `inputs` and `targets`, or a CSV or Parquet table with names of its columns.

    Classes are strings, or whole numbers 0, 1, ... without a gap. The same content again is the same data set.
    """
    declared = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if declared not in _FORMATS:
        raise HTTPException(415, f"A data set comes as {', '.join(_FORMATS)}, not {declared or 'of unknown type'}.")
    if declared == PARQUET and not has_arrow():
        raise HTTPException(415, "Parquet cannot be read here: this service was installed without pyarrow.")
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
def list_datasets(*, service: TheService, paging: ThePage) -> DatasetPage:
    """Uploaded data sets, by their id."""
    page = service.store.datasets.page(after=paging.after, limit=paging.limit)
    return paging.answer(DatasetPage, page, item=DatasetAnswer.model_validate)


@router.get("/{dataset_id}", summary="Get a data set", responses=problems(404, 422))
def get_dataset(dataset_id: DatasetId, service: TheService) -> DatasetDetailAnswer:
    """Its size, its task, its classes, its digest, and how many runs name it."""
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
    """Remove its rows, unless an unfinished run, a search that goes on or a schedule needs them.

    Runs that were trained on it keep their results; they cannot be repeated before the same rows are sent again.
    """
    service.store.datasets.delete(dataset_id)
