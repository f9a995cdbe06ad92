"""Keep uploaded data sets, and hand them to the experiments that name them."""

from ..experiments.datasets.uploaded import Stored, forget, provide
from ..experiments.uploads import Table, unpacked
from ..store import Created, DatasetRecord, Run, Store


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
        known = found or store.datasets.find_deleted(dataset_id)
        if known is None:
            return None
        return Stored(
            known.task,
            known.rows,
            known.shape,
            known.outputs,
            lambda: unpacked(store.datasets.content(dataset_id)),
            deleted=found is None,
        )

    provide(lookup)


def delete(store: Store, dataset_id: str) -> None:
    """Remove a data set; runs on it stay, and cannot be repeated. Raises NotFound, and Conflict while it is needed."""
    store.datasets.delete(dataset_id)
    forget(dataset_id)


def is_repeatable(store: Store, run: Run) -> bool:
    """Whether the service could train a run again: not where its uploaded data set was deleted."""
    data = run.resolved_experiment.get("data") or {}
    there = data.get("kind") != "uploaded" or store.datasets.find(data["id"]) is not None
    return there and run.origin == "service"
