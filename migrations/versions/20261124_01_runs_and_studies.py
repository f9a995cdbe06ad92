"""runs and studies

Revision: 20261124_01
Revises: nothing
Date: 2026-11-24 13:43:50.186747
"""

import sqlalchemy as sa
from alembic import op

from gradclinic.store.column_types import Json, Number

revision = "20261124_01"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "studies",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=True),
        sa.Column("labels", Json(), nullable=False),
        sa.Column("experiment", Json(), nullable=False),
        sa.Column("arms", Json(), nullable=False),
        sa.Column("seeds", Json(), nullable=False),
        sa.Column("sweep", Json(), nullable=False),
        sa.Column("cancel_requested", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.Column("request_id", sa.String(length=64), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_studies")),
    )
    op.create_table(
        "workers",
        sa.Column("owner", sa.String(length=200), nullable=False),
        sa.Column("queue", sa.String(length=32), nullable=False),
        sa.Column("device", sa.String(length=64), nullable=False),
        sa.Column("run_id", sa.String(length=40), nullable=True),
        sa.Column("started_at", sa.Double(), nullable=False),
        sa.Column("seen_at", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("owner", name=op.f("pk_workers")),
    )
    op.create_table(
        "runs",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=True),
        sa.Column("labels", Json(), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("origin", sa.String(length=16), nullable=False),
        sa.Column("study_id", sa.String(length=40), nullable=True),
        sa.Column("arm", sa.String(length=200), nullable=True),
        sa.Column("point", Json(), nullable=True),
        sa.Column("seed", sa.Integer(), nullable=False),
        sa.Column("experiment", Json(), nullable=False),
        sa.Column("remedies", Json(), nullable=False),
        sa.Column("resolved_experiment", Json(), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("step", sa.Integer(), nullable=False),
        sa.Column("steps", sa.Integer(), nullable=False),
        sa.Column("queue", sa.String(length=32), nullable=False),
        sa.Column("priority", sa.Integer(), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("owner", sa.String(length=200), nullable=True),
        sa.Column("lease_until", sa.Double(), nullable=True),
        sa.Column("cancel_requested", sa.Boolean(), nullable=False),
        sa.Column("checkpoint", Json(), nullable=True),
        sa.Column("reason_code", sa.String(length=64), nullable=False),
        sa.Column("reason_text", sa.Text(), nullable=False),
        sa.Column("transition_count", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.Column("queued_at", sa.Double(), nullable=False),
        sa.Column("sent_at", sa.Double(), nullable=True),
        sa.Column("started_at", sa.Double(), nullable=True),
        sa.Column("attempt_started_at", sa.Double(), nullable=True),
        sa.Column("ended_at", sa.Double(), nullable=True),
        sa.Column("layout", Json(), nullable=True),
        sa.Column("outcome", Json(), nullable=True),
        sa.Column("environment", Json(), nullable=True),
        sa.Column("diagnosis", Json(), nullable=True),
        sa.Column("condition", sa.String(length=64), nullable=True),
        sa.Column("rule_set", sa.String(length=64), nullable=True),
        sa.Column("final_train_loss", Number(), nullable=True),
        sa.Column("relative_train_loss", Number(), nullable=True),
        sa.Column("final_validation_loss", Number(), nullable=True),
        sa.Column("final_validation_accuracy", Number(), nullable=True),
        sa.Column("steps_to_target", sa.Integer(), nullable=True),
        sa.Column("train_seconds", Number(), nullable=True),
        sa.Column("request_id", sa.String(length=64), nullable=True),
        sa.CheckConstraint(
            "status <> 'running' OR origin <> 'service' OR lease_until IS NOT NULL",
            name=op.f("ck_runs_running_has_lease"),
        ),
        sa.CheckConstraint(
            "status IN ('queued','running','succeeded','failed','canceled','expired')",
            name=op.f("ck_runs_status_is_known"),
        ),
        sa.ForeignKeyConstraint(["study_id"], ["studies.id"], name=op.f("fk_runs_study_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_runs")),
    )
    with op.batch_alter_table("runs", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_runs_condition"), ["condition"], unique=False)
        batch_op.create_index(batch_op.f("ix_runs_digest"), ["digest"], unique=False)
        batch_op.create_index(batch_op.f("ix_runs_status_lease_until"), ["status", "lease_until"], unique=False)
        batch_op.create_index(batch_op.f("ix_runs_study_id"), ["study_id"], unique=False)

    op.create_table(
        "chunks",
        sa.Column("run_id", sa.String(length=40), nullable=False),
        sa.Column("statistic", sa.String(length=64), nullable=False),
        sa.Column("first_step", sa.Integer(), nullable=False),
        sa.Column("last_step", sa.Integer(), nullable=False),
        sa.Column("n", sa.Integer(), nullable=False),
        sa.Column("places", sa.Integer(), nullable=False),
        sa.Column("codec", sa.String(length=16), nullable=False),
        sa.Column("steps", sa.LargeBinary(), nullable=False),
        sa.Column("values", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["run_id"], ["runs.id"], name=op.f("fk_chunks_run_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("run_id", "statistic", "first_step", name=op.f("pk_chunks")),
    )
    op.create_table(
        "findings",
        sa.Column("run_id", sa.String(length=40), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("condition", sa.String(length=64), nullable=False),
        sa.Column("severity", sa.String(length=16), nullable=False),
        sa.Column("harm", sa.Boolean(), nullable=False),
        sa.Column("confidence", Number(), nullable=False),
        sa.Column("first_step", sa.Integer(), nullable=False),
        sa.Column("last_step", sa.Integer(), nullable=False),
        sa.Column("layers", Json(), nullable=False),
        sa.Column("rule", sa.String(length=64), nullable=False),
        sa.Column("summary", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["run_id"], ["runs.id"], name=op.f("fk_findings_run_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("run_id", "number", name=op.f("pk_findings")),
    )
    with op.batch_alter_table("findings", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_findings_condition"), ["condition"], unique=False)

    op.create_table(
        "idempotency_keys",
        sa.Column("key", sa.String(length=255), nullable=False),
        sa.Column("fingerprint", sa.String(length=64), nullable=False),
        sa.Column("run_id", sa.String(length=40), nullable=True),
        sa.Column("study_id", sa.String(length=40), nullable=True),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.CheckConstraint(
            "(run_id IS NULL) <> (study_id IS NULL)", name=op.f("ck_idempotency_keys_answers_one_thing")
        ),
        sa.ForeignKeyConstraint(["run_id"], ["runs.id"], name=op.f("fk_idempotency_keys_run_id"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(
            ["study_id"], ["studies.id"], name=op.f("fk_idempotency_keys_study_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_idempotency_keys")),
    )
    with op.batch_alter_table("idempotency_keys", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_idempotency_keys_run_id"), ["run_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_idempotency_keys_study_id"), ["study_id"], unique=False)

    op.create_table(
        "labels",
        sa.Column("run_id", sa.String(length=40), nullable=False),
        sa.Column("key", sa.String(length=100), nullable=False),
        sa.Column("value", sa.String(length=200), nullable=False),
        sa.ForeignKeyConstraint(["run_id"], ["runs.id"], name=op.f("fk_labels_run_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("run_id", "key", name=op.f("pk_labels")),
    )
    with op.batch_alter_table("labels", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_labels_key_value"), ["key", "value"], unique=False)

    op.create_table(
        "layer_summaries",
        sa.Column("run_id", sa.String(length=40), nullable=False),
        sa.Column("statistic", sa.String(length=64), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("layer", sa.String(length=200), nullable=False),
        sa.Column("records", sa.Integer(), nullable=False),
        sa.Column("nonfinite_records", sa.Integer(), nullable=False),
        sa.Column("first", Number(), nullable=False),
        sa.Column("last", Number(), nullable=False),
        sa.Column("median", Number(), nullable=False),
        sa.Column("smallest", Number(), nullable=False),
        sa.Column("largest", Number(), nullable=False),
        sa.ForeignKeyConstraint(["run_id"], ["runs.id"], name=op.f("fk_layer_summaries_run_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("run_id", "statistic", "position", name=op.f("pk_layer_summaries")),
    )
    op.create_table(
        "transitions",
        sa.Column("run_id", sa.String(length=40), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("status_before", sa.String(length=16), nullable=True),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("step", sa.Integer(), nullable=False),
        sa.Column("owner", sa.String(length=200), nullable=True),
        sa.Column("reason_code", sa.String(length=64), nullable=False),
        sa.Column("reason_text", sa.Text(), nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.ForeignKeyConstraint(["run_id"], ["runs.id"], name=op.f("fk_transitions_run_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("run_id", "number", name=op.f("pk_transitions")),
    )


def downgrade() -> None:
    op.drop_table("transitions")
    op.drop_table("layer_summaries")
    with op.batch_alter_table("labels", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_labels_key_value"))

    op.drop_table("labels")
    with op.batch_alter_table("idempotency_keys", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_idempotency_keys_study_id"))
        batch_op.drop_index(batch_op.f("ix_idempotency_keys_run_id"))

    op.drop_table("idempotency_keys")
    with op.batch_alter_table("findings", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_findings_condition"))

    op.drop_table("findings")
    op.drop_table("chunks")
    with op.batch_alter_table("runs", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_runs_study_id"))
        batch_op.drop_index(batch_op.f("ix_runs_status_lease_until"))
        batch_op.drop_index(batch_op.f("ix_runs_digest"))
        batch_op.drop_index(batch_op.f("ix_runs_condition"))

    op.drop_table("runs")
    op.drop_table("workers")
    op.drop_table("studies")
