"""the trace of the request that submitted a prescription

Revision: 20261130_30
Revises: 20261130_29
Date: 2026-11-30 19:20:00
"""

import sqlalchemy as sa
from alembic import op

revision = "20261130_30"
down_revision = "20261130_29"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("prescriptions", sa.Column("traceparent", sa.String(64), nullable=True))


def downgrade() -> None:
    op.drop_column("prescriptions", "traceparent")
