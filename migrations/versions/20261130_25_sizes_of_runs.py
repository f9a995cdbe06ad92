"""how many bytes the statistics of a run take that has ended; the reconciler fills it for those that are there

Revision: 20261130_25
Revises: 20261130_24
Date: 2026-11-30 08:40:00
"""

import sqlalchemy as sa
from alembic import op

revision = "20261130_25"
down_revision = "20261130_24"
branch_labels = None
depends_on = None

UNMEASURED = sa.text("stored_bytes IS NULL AND ended_at IS NOT NULL")
INDEXES = {
    "ix_runs_project_stored_bytes": (["project", "stored_bytes"], None),
    "ix_runs_unmeasured": (["id"], UNMEASURED),
}


def upgrade() -> None:
    _drop_indexes()  # PostgreSQL keeps an invalid index if it was interrupted
    if "stored_bytes" not in {column["name"] for column in sa.inspect(op.get_bind()).get_columns("runs")}:
        op.add_column("runs", sa.Column("stored_bytes", sa.BigInteger(), nullable=True))
    with op.get_context().autocommit_block():
        for name, (columns, where) in INDEXES.items():
            op.create_index(
                op.f(name), "runs", columns, postgresql_where=where, sqlite_where=where, postgresql_concurrently=True
            )


def downgrade() -> None:
    _drop_indexes()
    op.drop_column("runs", "stored_bytes")


def _drop_indexes() -> None:
    with op.get_context().autocommit_block():
        for name in INDEXES:
            op.drop_index(op.f(name), "runs", if_exists=True, postgresql_concurrently=True)
