"""the floating-point operations of a run, for quotas

Revision: 20261130_16
Revises: 20261130_15
Date: 2026-11-30 00:20:00
"""

import sqlalchemy as sa
from alembic import op

revision = "20261130_16"
down_revision = "20261130_15"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("runs", sa.Column("flops", sa.Double(), nullable=True))


def downgrade() -> None:
    op.drop_column("runs", "flops")
