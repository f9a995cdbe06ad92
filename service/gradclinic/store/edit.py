"""Changes of what people write about runs and studies: their name, labels and notes."""

from collections.abc import Mapping

from sqlalchemy import Connection, Table, delete, insert, select, update
from typing_extensions import Unpack

from ..kernel.errors import InvalidRequest
from ..kernel.names import MOST_LABELS, Edits
from . import tables as t


def edit(connection: Connection, table: Table, row_id: str, **edits: Unpack[Edits]) -> bool:
    """Change a row of `runs` or `studies`; False if there is none. Raises InvalidRequest for too many labels."""
    column = table.c
    # Its row is locked, so that edits at the same time do not lose one another's labels.
    row = connection.execute(select(column.labels).where(column.id == row_id).with_for_update()).first()
    if row is None:
        return False
    values: dict[str, object] = {name: edits[name] for name in ("name", "notes") if name in edits}
    labels = None
    if "labels" in edits:
        labels = _merged(row.labels if isinstance(row.labels, dict) else {}, edits["labels"])
        values["labels"] = labels
    if values:
        changed = update(table).where(column.id == row_id).values(edits=column.edits + 1, **values)
        connection.execute(changed)
    if labels is not None and table is t.runs:
        connection.execute(delete(t.labels).where(t.labels.c.run_id == row_id))
        own = [{"run_id": row_id, "key": key, "value": value} for key, value in labels.items()]
        if own:
            connection.execute(insert(t.labels), own)
    return True


def _merged(labels: Mapping[str, str], changes: Mapping[str, str | None]) -> Mapping[str, str]:
    merged = {key: value for key, value in {**labels, **changes}.items() if value is not None}
    if len(merged) > MOST_LABELS:
        message = f"it would have {len(merged)} labels"
        raise InvalidRequest.at("/labels", message, value=sorted(changes), allowed=f"at most {MOST_LABELS} labels")
    return merged
