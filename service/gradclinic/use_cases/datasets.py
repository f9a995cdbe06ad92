"""Keep uploaded data sets, and hand them to the experiments that name them."""

from ..datasets.uploaded import Stored, provide
from ..store import Created, DatasetRecord, Store
from ..uploads import Table, unpacked


def keep(store: Store, table: Table) -> Created[DatasetRecord]:
    """Store a table under the id that follows from its content."""
    digest = table.digest
    return store.datasets.create(
        table.packed(),
        id=f"data_{digest[:24]}",
        digest=digest,
        task=table.task,
        rows=len(table.inputs),
        shape=list(table.shape),
        outputs=table.outputs,
        classes=None if table.classes is None else list(table.classes),
        features=None if table.features is None else list(table.features),
    )


def provide_from(store: Store) -> None:
    """Have the experiments of this process find their uploaded data in this store."""

    def lookup(dataset_id: str) -> Stored | None:
        found = store.datasets.find(dataset_id)
        if found is None:
            return None
        return Stored(
            found.task, found.rows, found.shape, found.outputs, lambda: unpacked(store.datasets.content(dataset_id))
        )

    provide(lookup)
