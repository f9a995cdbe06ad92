"""the trace of the request that submitted a run

Revision: 20261130_29
Revises: 20261130_28
Date: 2026-11-30 12:30:00
"""

import sqlalchemy as sa
from alembic import op

revision = "20261130_29"
down_revision = "20261130_28"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("runs", sa.Column("traceparent", sa.String(64), nullable=True))


def downgrade() -> None:
    op.drop_column("runs", "traceparent")
