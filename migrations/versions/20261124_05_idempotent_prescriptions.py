"""idempotent prescriptions, with labels, whose trials outlive deleted runs

Revision: 20261124_05
Revises: 20261124_04
Date: 2026-11-24 18:40:00
"""

import sqlalchemy as sa
from alembic import op

from gradclinic.store.types import Json

revision = "20261124_05"
down_revision = "20261124_04"
branch_labels = None
depends_on = None

CHECK = "ck_idempotency_keys_answers_one_thing"
ONE_OF_THREE = (
    "(run_id IS NOT NULL AND study_id IS NULL AND prescription_id IS NULL)"
    " OR (run_id IS NULL AND study_id IS NOT NULL AND prescription_id IS NULL)"
    " OR (run_id IS NULL AND study_id IS NULL AND prescription_id IS NOT NULL)"
)
ONE_OF_TWO = "(run_id IS NULL) <> (study_id IS NULL)"
KEY_OF = "fk_idempotency_keys_prescription_id"
TRIAL_RUN = "fk_trials_run_id"


def upgrade() -> None:
    # With a default, and not through a copy: dropping the old table would take the trials along.
    op.add_column("prescriptions", sa.Column("labels", Json(), nullable=False, server_default="{}"))

    with op.batch_alter_table("idempotency_keys") as batch_op:
        batch_op.drop_constraint(op.f(CHECK), type_="check")
        batch_op.add_column(sa.Column("prescription_id", sa.String(length=40), nullable=True))
        batch_op.create_foreign_key(op.f(KEY_OF), "prescriptions", ["prescription_id"], ["id"], ondelete="CASCADE")
        batch_op.create_index(op.f("ix_idempotency_keys_prescription_id"), ["prescription_id"], unique=False)
        batch_op.create_check_constraint(op.f(CHECK), ONE_OF_THREE)

    with op.batch_alter_table("trials") as batch_op:
        batch_op.drop_constraint(op.f(TRIAL_RUN), type_="foreignkey")
        batch_op.alter_column("run_id", existing_type=sa.String(length=40), nullable=True)
        batch_op.create_foreign_key(op.f(TRIAL_RUN), "runs", ["run_id"], ["id"], ondelete="SET NULL")


def downgrade() -> None:
    op.execute("DELETE FROM trials WHERE run_id IS NULL")
    with op.batch_alter_table("trials") as batch_op:
        batch_op.drop_constraint(op.f(TRIAL_RUN), type_="foreignkey")
        batch_op.alter_column("run_id", existing_type=sa.String(length=40), nullable=False)
        batch_op.create_foreign_key(op.f(TRIAL_RUN), "runs", ["run_id"], ["id"], ondelete="CASCADE")

    op.execute("DELETE FROM idempotency_keys WHERE prescription_id IS NOT NULL")
    with op.batch_alter_table("idempotency_keys") as batch_op:
        batch_op.drop_constraint(op.f(CHECK), type_="check")
        batch_op.drop_index(op.f("ix_idempotency_keys_prescription_id"))
        batch_op.drop_constraint(op.f(KEY_OF), type_="foreignkey")
        batch_op.drop_column("prescription_id")
        batch_op.create_check_constraint(op.f(CHECK), ONE_OF_TWO)

    op.drop_column("prescriptions", "labels")
