"""notes about runs and studies, and how often people changed what they wrote

Revision: 20261130_20
Revises: 20261130_19
Date: 2026-11-30 04:25:00
"""

import sqlalchemy as sa
from alembic import op

revision = "20261130_20"
down_revision = "20261130_19"
branch_labels = None
depends_on = None

TABLES = ("runs", "studies")


def upgrade() -> None:
    for table in TABLES:
        op.add_column(table, sa.Column("notes", sa.Text(), nullable=True))
        op.add_column(table, sa.Column("edits", sa.Integer(), nullable=False, server_default="0"))


def downgrade() -> None:
    for table in TABLES:
        op.drop_column(table, "edits")
        op.drop_column(table, "notes")
