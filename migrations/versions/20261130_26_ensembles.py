"""which runs are trained together, as the lanes of one ensemble

Revision: 20261130_26
Revises: 20261130_25
Date: 2026-11-30 08:30:00
"""

import sqlalchemy as sa
from alembic import op

revision = "20261130_26"
down_revision = "20261130_25"
branch_labels = None
depends_on = None

NAME = "ix_runs_queued_ensemble"
TO_JOIN = sa.text("status = 'queued' AND ensemble IS NOT NULL")


def upgrade() -> None:
    op.add_column("runs", sa.Column("ensemble", sa.String(40), nullable=True))
    with op.get_context().autocommit_block():
        # PostgreSQL keeps an invalid index if it was interrupted
        op.drop_index(NAME, "runs", if_exists=True, postgresql_concurrently=True)
        op.create_index(
            NAME, "runs", ["ensemble"],
            postgresql_where=TO_JOIN, sqlite_where=TO_JOIN, postgresql_concurrently=True,
        )  # fmt: skip


def downgrade() -> None:
    op.drop_index(NAME, "runs", if_exists=True)
    op.drop_column("runs", "ensemble")
