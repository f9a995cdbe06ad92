"""studies whose runs an external program records

Revision: 20261130_15
Revises: 20261130_14
Date: 2026-11-29 23:00:00
"""

import sqlalchemy as sa
from alembic import op

revision = "20261130_15"
down_revision = "20261130_14"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("studies", sa.Column("recorded_runs", sa.Integer(), nullable=True))


def downgrade() -> None:
    op.drop_column("studies", "recorded_runs")
