"""idempotency keys and labels of prescriptions; trials are kept when their runs are deleted

Revision: 20261124_05
Revises: 20261124_04
Date: 2026-11-24 18:40:00
"""

import sqlalchemy as sa
from alembic import op

from gradclinic.store.column_types import Json

revision = "20261124_05"
down_revision = "20261124_04"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("prescriptions", sa.Column("labels", Json(), nullable=False, server_default="{}"))
    op.create_table(
        "prescription_keys",
        sa.Column("key", sa.String(length=255), nullable=False),
        sa.Column("fingerprint", sa.String(length=64), nullable=False),
        sa.Column("prescription_id", sa.String(length=40), nullable=False),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.ForeignKeyConstraint(
            ["prescription_id"],
            ["prescriptions.id"],
            name=op.f("fk_prescription_keys_prescription_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_prescription_keys")),
    )
    op.create_index(op.f("ix_prescription_keys_prescription_id"), "prescription_keys", ["prescription_id"])
    op.create_table(
        "deleted_trials",
        sa.Column("prescription_id", sa.String(length=40), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["prescription_id"],
            ["prescriptions.id"],
            name=op.f("fk_deleted_trials_prescription_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("prescription_id", "digest", name=op.f("pk_deleted_trials")),
    )


def downgrade() -> None:
    op.drop_table("deleted_trials")
    op.drop_index(op.f("ix_prescription_keys_prescription_id"), table_name="prescription_keys")
    op.drop_table("prescription_keys")
    op.drop_column("prescriptions", "labels")
