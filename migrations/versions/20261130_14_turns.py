"""indexes for lists of a project's runs, and for which project's run is claimed next

Revision: 20261130_14
Revises: 20261129_13
Date: 2026-11-30 00:10:00
"""

import sqlalchemy as sa
from alembic import op

revision = "20261130_14"
down_revision = "20261129_13"
branch_labels = None
depends_on = None

QUEUED, CLAIMED = sa.text("status = 'queued'"), sa.text("attempt_started_at IS NOT NULL")
INDEXES = {
    "ix_runs_project_id": (["project", "id"], None),
    "ix_runs_queue_project_priority_id": (["queue", "project", "priority", "id"], QUEUED),
    "ix_runs_queue_project_attempt_started_at": (["queue", "project", "attempt_started_at"], CLAIMED),
}


def upgrade() -> None:
    downgrade()  # PostgreSQL keeps an invalid index if it was interrupted
    with op.get_context().autocommit_block():
        for name, (columns, rows) in INDEXES.items():
            op.create_index(
                op.f(name), "runs", columns, postgresql_where=rows, sqlite_where=rows, postgresql_concurrently=True
            )


def downgrade() -> None:
    with op.get_context().autocommit_block():
        for name in INDEXES:
            op.drop_index(op.f(name), "runs", if_exists=True, postgresql_concurrently=True)
