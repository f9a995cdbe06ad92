"""what is kept of the statistics of a run that ended long ago, and the runs by how long ago that was

Revision: 20261201_34
Revises: 20261201_33
Date: 2026-12-01 05:00:00
"""

import sqlalchemy as sa
from alembic import op

revision = "20261201_34"
down_revision = "20261201_33"
branch_labels = None
depends_on = None

ENDED = sa.text("ended_at IS NOT NULL")
INDEXES = {
    "ix_runs_retention_ended_at": (["retention", "ended_at"], ENDED),
    "ix_runs_project_stored_bytes_retention": (["project", "stored_bytes", "retention"], None),
}
BEFORE = {"ix_runs_project_stored_bytes": (["project", "stored_bytes"], None)}


def upgrade() -> None:
    _drop(*INDEXES)  # PostgreSQL keeps an invalid index if it was interrupted
    if "retention" not in {column["name"] for column in sa.inspect(op.get_bind()).get_columns("runs")}:
        op.add_column("runs", sa.Column("retention", sa.String(16), nullable=False, server_default="raw"))
    _create(INDEXES)
    _drop(*BEFORE)


def downgrade() -> None:
    """What was left out stays so; earlier versions read what was kept."""
    _drop(*BEFORE)
    _create(BEFORE)
    _drop(*INDEXES)
    op.drop_column("runs", "retention")


def _create(indexes: dict[str, tuple[list[str], "sa.TextClause | None"]]) -> None:
    with op.get_context().autocommit_block():
        for name, (columns, where) in indexes.items():
            op.create_index(
                op.f(name), "runs", columns, postgresql_where=where, sqlite_where=where, postgresql_concurrently=True
            )


def _drop(*names: str) -> None:
    with op.get_context().autocommit_block():
        for name in names:
            op.drop_index(op.f(name), "runs", if_exists=True, postgresql_concurrently=True)
