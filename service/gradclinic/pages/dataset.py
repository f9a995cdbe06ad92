"""The page of uploaded data sets."""

from collections.abc import Sequence
from dataclasses import dataclass

from fastapi.responses import HTMLResponse

from ..api.http.dependencies import AfterDataset, TheService
from ..kernel.amounts import bytes_in_words
from ..store import DatasetRecord
from ..use_cases.service import Service
from .rendering import page_router, render

DATASETS = 50

router = page_router()


@router.get("/datasets")
def show_all(service: TheService, after: AfterDataset = None) -> HTMLResponse:
    """Uploaded data sets, ordered by id."""
    return render("datasets.html", listed(service, after=after))


@dataclass(frozen=True)
class DatasetRow:
    """A row in the table of data sets."""

    dataset: DatasetRecord
    stored: str
    """Its size, with a unit."""
    runs: int
    """Number of runs that use it."""


@dataclass(frozen=True)
class DatasetsView:
    """What the page of data sets shows."""

    rows: Sequence[DatasetRow]
    next: str | None


def listed(service: Service, *, after: str | None) -> DatasetsView:
    """A page of data sets, each with the number of runs that use it."""
    page = service.store.datasets.page(after=after, limit=DATASETS)
    runs = service.store.datasets.runs_by_dataset([each.id for each in page.items])
    return DatasetsView([DatasetRow(each, bytes_in_words(each.bytes), runs[each.id]) for each in page.items], page.next)
