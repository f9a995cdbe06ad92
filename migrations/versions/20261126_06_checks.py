"""baselines, checks and schedules

Revision: 20261126_06
Revises: 20261124_05
Date: 2026-11-26 07:55:00
"""

import sqlalchemy as sa
from alembic import op

from gradclinic.store.column_types import Json

revision = "20261126_06"
down_revision = "20261124_05"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "pins",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("baseline", sa.String(length=100), nullable=False),
        sa.Column("study_id", sa.String(length=40), nullable=True),
        sa.Column("check_id", sa.String(length=40), nullable=True),
        sa.Column("arm", sa.String(length=200), nullable=True),
        sa.Column("experiment", Json(), nullable=False),
        sa.Column("remedies", Json(), nullable=False),
        sa.Column("seeds", Json(), nullable=False),
        sa.Column("run_ids", Json(), nullable=False),
        sa.Column("pinned_at", sa.Double(), nullable=False),
        sa.Column("request_id", sa.String(length=64), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_pins")),
    )
    op.create_index(op.f("ix_pins_baseline"), "pins", ["baseline"])
    op.create_table(
        "baselines",
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("pin_id", sa.String(length=40), nullable=False),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.ForeignKeyConstraint(["pin_id"], ["pins.id"], name=op.f("fk_baselines_pin_id")),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_baselines")),
    )
    op.create_index(op.f("ix_baselines_pin_id"), "baselines", ["pin_id"])
    op.create_table(
        "pinned_runs",
        sa.Column("pin_id", sa.String(length=40), nullable=False),
        sa.Column("run_id", sa.String(length=40), nullable=False),
        sa.ForeignKeyConstraint(["pin_id"], ["pins.id"], name=op.f("fk_pinned_runs_pin_id"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["run_id"], ["runs.id"], name=op.f("fk_pinned_runs_run_id")),
        sa.PrimaryKeyConstraint("pin_id", "run_id", name=op.f("pk_pinned_runs")),
    )
    op.create_index(op.f("ix_pinned_runs_run_id"), "pinned_runs", ["run_id"])
    op.create_table(
        "checks",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=True),
        sa.Column("labels", Json(), nullable=False),
        sa.Column("baseline", sa.String(length=100), nullable=False),
        sa.Column("pin_id", sa.String(length=40), nullable=False),
        sa.Column("schedule", sa.String(length=100), nullable=True),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("verdict", sa.String(length=16), nullable=True),
        sa.Column("experiment", Json(), nullable=False),
        sa.Column("remedies", Json(), nullable=False),
        sa.Column("seeds", Json(), nullable=False),
        sa.Column("margins", Json(), nullable=False),
        sa.Column("report", Json(), nullable=True),
        sa.Column("cancel_requested", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.Column("ended_at", sa.Double(), nullable=True),
        sa.Column("request_id", sa.String(length=64), nullable=True),
        sa.CheckConstraint(
            "status IN ('running','succeeded','failed','canceled')", name=op.f("ck_checks_status_is_known")
        ),
        sa.CheckConstraint("verdict IN ('pass','fail','inconclusive')", name=op.f("ck_checks_verdict_is_known")),
        sa.ForeignKeyConstraint(["pin_id"], ["pins.id"], name=op.f("fk_checks_pin_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_checks")),
    )
    for column in ("status", "baseline", "pin_id", "schedule"):
        op.create_index(op.f(f"ix_checks_{column}"), "checks", [column])
    op.create_table(
        "check_runs",
        sa.Column("check_id", sa.String(length=40), nullable=False),
        sa.Column("run_id", sa.String(length=40), nullable=False),
        sa.ForeignKeyConstraint(["check_id"], ["checks.id"], name=op.f("fk_check_runs_check_id"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["run_id"], ["runs.id"], name=op.f("fk_check_runs_run_id")),
        sa.PrimaryKeyConstraint("check_id", "run_id", name=op.f("pk_check_runs")),
    )
    op.create_index(op.f("ix_check_runs_run_id"), "check_runs", ["run_id"])
    op.create_table(
        "check_keys",
        sa.Column("key", sa.String(length=255), nullable=False),
        sa.Column("fingerprint", sa.String(length=64), nullable=False),
        sa.Column("check_id", sa.String(length=40), nullable=False),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.ForeignKeyConstraint(["check_id"], ["checks.id"], name=op.f("fk_check_keys_check_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_check_keys")),
    )
    op.create_index(op.f("ix_check_keys_check_id"), "check_keys", ["check_id"])
    op.create_table(
        "schedules",
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("cron", sa.String(length=100), nullable=False),
        sa.Column("zone", sa.String(length=64), nullable=False),
        sa.Column("baseline", sa.String(length=100), nullable=False),
        sa.Column("asks", Json(), nullable=False),
        sa.Column("paused", sa.Boolean(), nullable=False),
        sa.Column("since", sa.Double(), nullable=False),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.Column("request_id", sa.String(length=64), nullable=True),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_schedules")),
    )
    op.create_index(op.f("ix_schedules_baseline"), "schedules", ["baseline"])
    op.create_table(
        "firings",
        sa.Column("schedule", sa.String(length=100), nullable=False),
        sa.Column("due_at", sa.Double(), nullable=False),
        sa.Column("fired_at", sa.Double(), nullable=False),
        sa.Column("check_id", sa.String(length=40), nullable=True),
        sa.Column("problem", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["schedule"], ["schedules.name"], name=op.f("fk_firings_schedule"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["check_id"], ["checks.id"], name=op.f("fk_firings_check_id"), ondelete="SET NULL"),
        sa.PrimaryKeyConstraint("schedule", "due_at", name=op.f("pk_firings")),
    )
    op.create_index(op.f("ix_firings_check_id"), "firings", ["check_id"])


def downgrade() -> None:
    op.drop_index(op.f("ix_firings_check_id"), table_name="firings")
    op.drop_table("firings")
    op.drop_index(op.f("ix_schedules_baseline"), table_name="schedules")
    op.drop_table("schedules")
    op.drop_index(op.f("ix_check_keys_check_id"), table_name="check_keys")
    op.drop_table("check_keys")
    op.drop_index(op.f("ix_check_runs_run_id"), table_name="check_runs")
    op.drop_table("check_runs")
    for column in ("status", "baseline", "pin_id", "schedule"):
        op.drop_index(op.f(f"ix_checks_{column}"), table_name="checks")
    op.drop_table("checks")
    op.drop_index(op.f("ix_pinned_runs_run_id"), table_name="pinned_runs")
    op.drop_table("pinned_runs")
    op.drop_index(op.f("ix_baselines_pin_id"), table_name="baselines")
    op.drop_table("baselines")
    op.drop_index(op.f("ix_pins_baseline"), table_name="pins")
    op.drop_table("pins")
