"""what is kept about deleted data sets

Revision: 20261126_09
Revises: 20261126_08
Date: 2026-11-26 08:24:00
"""

import sqlalchemy as sa
from alembic import op

from gradclinic.store.column_types import Json

revision = "20261126_09"
down_revision = "20261126_08"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "deleted_datasets",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("task", sa.String(length=16), nullable=False),
        sa.Column("rows", sa.Integer(), nullable=False),
        sa.Column("shape", Json(), nullable=False),
        sa.Column("outputs", sa.Integer(), nullable=False),
        sa.Column("deleted_at", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_deleted_datasets")),
    )


def downgrade() -> None:
    op.drop_table("deleted_datasets")
