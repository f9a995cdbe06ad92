"""What the page of uploaded data sets shows."""

from typing import Any

from fastapi.responses import HTMLResponse

from ..api.http.dependencies import After, TheService
from ..kernel.amounts import bytes_in_words
from ..use_cases.service import Service
from .rendering import page_router, render

DATASETS = 50

router = page_router()


@router.get("/datasets")
def show_all(service: TheService, after: After = None) -> HTMLResponse:
    """Uploaded data sets, by their id."""
    return render("datasets.html", **listed(service, after=after))


def listed(service: Service, *, after: str | None) -> dict[str, Any]:
    """A page of data sets, each with the number of runs that name it."""
    page = service.store.datasets.page(after=after, limit=DATASETS)
    runs = service.store.datasets.runs_by_dataset([each.id for each in page.items])
    rows = [{"dataset": each, "stored": bytes_in_words(each.bytes), "runs": runs[each.id]} for each in page.items]
    return {"rows": rows, "next": page.next}
