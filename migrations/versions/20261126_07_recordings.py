"""runs recorded from external programs

Revision: 20261126_07
Revises: 20261126_06
Date: 2026-11-26 08:00:00
"""

import sqlalchemy as sa
from alembic import op

from gradclinic.store.column_types import Json

revision = "20261126_07"
down_revision = "20261126_06"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "recordings",
        sa.Column("run_id", sa.String(length=40), nullable=False),
        sa.Column("declared", Json(), nullable=False),
        sa.Column("windows", sa.Integer(), nullable=False),
        sa.Column("fingerprint", sa.String(length=64)),
        sa.Column("stored_bytes", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["run_id"], ["runs.id"], name=op.f("fk_recordings_run_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("run_id", name=op.f("pk_recordings")),
    )


def downgrade() -> None:
    op.drop_table("recordings")
