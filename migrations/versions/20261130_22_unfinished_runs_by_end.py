"""an index of the runs that have not ended, that SQLite prefers to those of all runs

Revision: 20261130_22
Revises: 20261130_21
Date: 2026-11-30 06:00:00
"""

import sqlalchemy as sa
from alembic import op

revision = "20261130_22"
down_revision = "20261130_21"
branch_labels = None
depends_on = None

UNFINISHED = sa.text("ended_at IS NULL")
NAME, BEFORE = "ix_runs_project_ended_at_flops", "ix_runs_project_flops"


def upgrade() -> None:
    _replace(BEFORE, NAME, ["project", "ended_at", "flops"])


def downgrade() -> None:
    _replace(NAME, BEFORE, ["project", "flops"])


def _replace(old: str, new: str, columns: list[str]) -> None:
    with op.get_context().autocommit_block():
        # PostgreSQL keeps an invalid index if it was interrupted
        op.drop_index(op.f(new), "runs", if_exists=True, postgresql_concurrently=True)
        op.create_index(
            op.f(new), "runs", columns,
            postgresql_where=UNFINISHED, sqlite_where=UNFINISHED, postgresql_concurrently=True,
        )  # fmt: skip
        op.drop_index(op.f(old), "runs", if_exists=True, postgresql_concurrently=True)
