"""What the page of uploaded data sets shows."""

from typing import Any

from ..kernel.amounts import bytes_in_words
from ..use_cases.service import Service

DATASETS = 50


def listed(service: Service, *, after: str | None) -> dict[str, Any]:
    """A page of data sets, each with the number of runs that name it."""
    page = service.store.datasets.page(after=after, limit=DATASETS)
    runs = service.store.datasets.runs_by_dataset([each.id for each in page.items])
    rows = [{"dataset": each, "stored": bytes_in_words(each.bytes), "runs": runs[each.id]} for each in page.items]
    return {"rows": rows, "next": page.next}
