"""Store uploaded data sets, and provide them to experiments."""

import hashlib

from ..experiments.datasets import Upload, Uploads
from ..experiments.uploads import PackedTable, unpacked
from ..kernel.project import DEFAULT
from ..store import Created, DatasetRecord, Run, Store


def keep(store: Store, table: PackedTable) -> Created[DatasetRecord]:
    """Store a table under an id computed from its content and its project."""
    return store.datasets.create(
        table.content,
        id=_id_of(table.digest, store.project),
        digest=table.digest,
        task=table.task,
        rows=table.rows,
        shape=list(table.shape),
        outputs=table.outputs,
        classes=None if table.classes is None else list(table.classes),
        features=None if table.features is None else list(table.features),
    )


def _id_of(digest: str, project: str | None) -> str:
    """Different projects have different ids for the same content, so an id does not tell who else has it."""
    own = digest if project == DEFAULT else hashlib.sha256(f"{project} {digest}".encode()).hexdigest()
    return f"data_{own[:24]}"


def uploads_in(store: Store) -> Uploads:
    """The uploaded data sets of this store, for experiments that use them."""

    def find(dataset_id: str) -> Upload | None:
        stored = store.datasets.find(dataset_id)
        known = stored or store.datasets.find_deleted(dataset_id)
        if known is None:
            return None
        return Upload(
            known.task,
            known.rows,
            known.shape,
            known.outputs,
            load=lambda: unpacked(store.datasets.content(dataset_id)),
            deleted=stored is None,
        )

    return find


def is_repeatable(store: Store, run: Run) -> bool:
    """Whether the service can train a run again; not if its uploaded data set was deleted."""
    data = run.resolved_experiment.get("data") or {}
    there = data.get("kind") != "uploaded" or store.datasets.find(data["id"]) is not None
    return there and run.origin == "service"
