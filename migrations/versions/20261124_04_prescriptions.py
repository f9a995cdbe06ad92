"""prescriptions

Revision: 20261124_04
Revises: 20261124_03
Date: 2026-11-24 15:45:00
"""

import sqlalchemy as sa
from alembic import op

from gradclinic.store.column_types import Json

revision = "20261124_04"
down_revision = "20261124_03"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "prescriptions",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=True),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("experiment", Json(), nullable=False),
        sa.Column("budget", Json(), nullable=False),
        sa.Column("seed", sa.Integer(), nullable=False),
        sa.Column("report", Json(), nullable=True),
        sa.Column("cancel_requested", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.Column("ended_at", sa.Double(), nullable=True),
        sa.Column("request_id", sa.String(length=64), nullable=True),
        sa.CheckConstraint(
            "status IN ('running','succeeded','failed','canceled')", name=op.f("ck_prescriptions_status_is_known")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_prescriptions")),
    )
    op.create_index(op.f("ix_prescriptions_status"), "prescriptions", ["status"], unique=False)
    op.create_table(
        "trials",
        sa.Column("prescription_id", sa.String(length=40), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("run_id", sa.String(length=40), nullable=False),
        sa.ForeignKeyConstraint(
            ["prescription_id"], ["prescriptions.id"], name=op.f("fk_trials_prescription_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["run_id"], ["runs.id"], name=op.f("fk_trials_run_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("prescription_id", "digest", name=op.f("pk_trials")),
    )
    op.create_index(op.f("ix_trials_run_id"), "trials", ["run_id"], unique=False)


def downgrade() -> None:
    op.drop_index(op.f("ix_trials_run_id"), table_name="trials")
    op.drop_table("trials")
    op.drop_index(op.f("ix_prescriptions_status"), table_name="prescriptions")
    op.drop_table("prescriptions")
