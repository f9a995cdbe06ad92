"""who changed what

Revision: 20261129_12
Revises: 20261129_11
Date: 2026-11-29 15:10:00
"""

import sqlalchemy as sa
from alembic import op

revision = "20261129_12"
down_revision = "20261129_11"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "audit_entries",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.Column("key_id", sa.String(length=40), nullable=True),
        sa.Column("request_id", sa.String(length=64), nullable=True),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("created", sa.String(length=200), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_entries")),
    )
    op.create_index(op.f("ix_audit_entries_at"), "audit_entries", ["at"])
    op.create_index(op.f("ix_audit_entries_key_id"), "audit_entries", ["key_id"])


def downgrade() -> None:
    op.drop_table("audit_entries")
