"""an index of the runs that have not ended, for quotas

Revision: 20261130_17
Revises: 20261130_16
Date: 2026-11-30 00:21:00
"""

import sqlalchemy as sa
from alembic import op

revision = "20261130_17"
down_revision = "20261130_16"
branch_labels = None
depends_on = None

UNFINISHED = sa.text("ended_at IS NULL")
NAME = "ix_runs_project_flops"


def upgrade() -> None:
    downgrade()  # PostgreSQL keeps an invalid index if it was interrupted
    with op.get_context().autocommit_block():
        op.create_index(
            op.f(NAME), "runs", ["project", "flops"],
            postgresql_where=UNFINISHED, sqlite_where=UNFINISHED, postgresql_concurrently=True,
        )  # fmt: skip


def downgrade() -> None:
    with op.get_context().autocommit_block():
        op.drop_index(op.f(NAME), "runs", if_exists=True, postgresql_concurrently=True)
