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
INDEX = "ix_runs_retention_ended_at"


def upgrade() -> None:
    op.add_column("runs", sa.Column("retention", sa.String(16), nullable=False, server_default="raw"))
    op.create_index(INDEX, "runs", ["retention", "ended_at"], postgresql_where=ENDED, sqlite_where=ENDED)
    op.create_index("ix_runs_project_stored_bytes_retention", "runs", ["project", "stored_bytes", "retention"])
    op.drop_index("ix_runs_project_stored_bytes", "runs")


def downgrade() -> None:
    """What was left out stays so; earlier versions read what was kept."""
    op.create_index("ix_runs_project_stored_bytes", "runs", ["project", "stored_bytes"])
    op.drop_index("ix_runs_project_stored_bytes_retention", "runs")
    op.drop_index(INDEX, "runs")
    op.drop_column("runs", "retention")
