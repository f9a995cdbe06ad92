"""the source and the model of a run in words, and an index for each filter and order of lists

Revision: 20261130_19
Revises: 20261130_18
Date: 2026-11-30 04:20:00

A run that the version before this one stores meanwhile has neither. Lists show it, but not under a source.
"""

from collections.abc import Iterable

import sqlalchemy as sa
from alembic import op

from gradclinic.experiments.model_words import model_in_words
from gradclinic.store.column_types import Json

revision = "20261130_19"
down_revision = "20261130_18"
branch_labels = None
depends_on = None

RECORDED = sa.text("origin = 'external' AND source <> 'study'")
LISTED_BY = (
    "status", "condition", "source", "name", "model",
    "final_train_loss", "relative_train_loss", "final_validation_loss", "final_validation_accuracy",
)  # fmt: skip
INDEXES: dict[str, tuple[list[str | sa.TextClause], sa.TextClause | None]] = {
    **{f"ix_runs_project_{name}_id": (["project", name, "id"], None) for name in LISTED_BY},
    "ix_runs_project_duration_id": (["project", sa.text("(ended_at - started_at)"), "id"], None),
    "ix_runs_project_recorded_id": (["project", "id", "origin", "source"], RECORDED),
    "ix_runs_project_search": (["project", "id", "name", "arm", "model"], None),
    "ix_labels_key_value_run_id": (["key", "value", "run_id"], None),
    "ix_findings_condition_run_id": (["condition", "run_id"], None),
}
REPLACED = {
    "ix_runs_condition": ["condition"],
    "ix_labels_key_value": ["key", "value"],
    "ix_findings_condition": ["condition"],
}
"""Indexes that those above make superfluous."""
COLUMNS = ("source", "model")
BATCH = 200
"""Runs that are changed in one transaction, which no other writer waits for long."""


def upgrade() -> None:
    _drop_indexes()  # PostgreSQL keeps an invalid index if it was interrupted
    there = {column["name"] for column in sa.inspect(op.get_bind()).get_columns("runs")}
    for name, length in (("source", 16), ("model", 200)):
        if name not in there:
            op.add_column("runs", sa.Column(name, sa.String(length), nullable=True))
    with op.get_context().autocommit_block():
        _fill()
        for name, (columns, where) in INDEXES.items():
            op.create_index(
                op.f(name), name.split("_")[1], columns,
                postgresql_where=where, sqlite_where=where, postgresql_concurrently=True,
            )  # fmt: skip
    _drop_indexes(REPLACED)


def downgrade() -> None:
    _drop_indexes(REPLACED)
    with op.get_context().autocommit_block():
        for name, columns in REPLACED.items():
            op.create_index(op.f(name), name.split("_")[1], columns, postgresql_concurrently=True)
    _drop_indexes()
    for name in COLUMNS:
        op.drop_column("runs", name)


def _drop_indexes(names: Iterable[str] = INDEXES) -> None:
    with op.get_context().autocommit_block():
        for name in names:
            op.drop_index(op.f(name), name.split("_")[1], if_exists=True, postgresql_concurrently=True)


def _fill() -> None:
    runs = sa.table("runs", *map(sa.column, ("id", "study_id", *COLUMNS)), sa.column("resolved_experiment", Json()))
    parts = {name: sa.table(name, sa.column("run_id")) for name in ("trials", "check_runs")}
    source = sa.case(
        (runs.c.study_id.is_not(None), "study"),
        (runs.c.id.in_(sa.select(parts["trials"].c.run_id)), "prescription"),
        (runs.c.id.in_(sa.select(parts["check_runs"].c.run_id)), "check"),
        else_="own",
    )
    last, connection = "", op.get_bind()
    while True:
        found = connection.execute(
            sa.select(runs.c.id, runs.c.resolved_experiment).where(runs.c.id > last).order_by(runs.c.id).limit(BATCH)
        ).all()
        if not found:
            return
        words = {row.id: model_in_words(row.resolved_experiment) for row in found}
        changed = sa.update(runs).where(runs.c.id.in_(words))
        connection.execute(changed.values(source=source, model=sa.case(words, value=runs.c.id)))
        last = found[-1].id
