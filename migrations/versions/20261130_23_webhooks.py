"""webhooks that get alerts, what is delivered to them, and the states whose changes are alerts

Revision: 20261130_23
Revises: 20261130_22
Date: 2026-11-30 08:00:00
"""

import sqlalchemy as sa
from alembic import op

from gradclinic.store.column_types import Json

revision = "20261130_23"
down_revision = "20261130_22"
branch_labels = None
depends_on = None

PENDING = sa.text("status = 'pending'")
PROJECT = "current_setting('gradclinic.project', true)"
OWN = {
    "webhooks": f"project = {PROJECT}",
    "alert_states": f"project = {PROJECT}",
    "deliveries": "EXISTS (SELECT 1 FROM webhooks WHERE webhooks.id = deliveries.webhook_id)",
}
"""The condition that a row belongs to the project of its transaction, by table."""


def upgrade() -> None:
    op.create_table(
        "webhooks",
        sa.Column("id", sa.String(40), nullable=False),
        sa.Column("name", sa.String(100), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("format", sa.String(16), nullable=False),
        sa.Column("secret", sa.String(200)),
        sa.Column("alerts", Json(), nullable=False),
        sa.Column("paused", sa.Boolean(), nullable=False),
        sa.Column("problem", sa.Text()),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.Column("request_id", sa.String(64)),
        sa.Column("deliveries", sa.Integer(), nullable=False),
        sa.Column("held_until", sa.Double()),
        sa.Column("held_by", sa.String(64)),
        sa.Column("project", sa.String(64), server_default="default", nullable=False),
        sa.CheckConstraint("format IN ('standard','slack')", name=op.f("ck_webhooks_format_is_known")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_webhooks")),
        sa.UniqueConstraint("project", "name", name=op.f("uq_webhooks_project_name")),
    )
    op.create_table(
        "deliveries",
        sa.Column("id", sa.String(40), nullable=False),
        sa.Column("webhook_id", sa.String(40), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("message_id", sa.String(40), nullable=False),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("facts", Json(), nullable=False),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("next_attempt_at", sa.Double()),
        sa.Column("ended_at", sa.Double()),
        sa.Column("response_status", sa.Integer()),
        sa.Column("problem", sa.Text()),
        sa.CheckConstraint("status IN ('pending','delivered','lost')", name=op.f("ck_deliveries_status_is_known")),
        sa.ForeignKeyConstraint(
            ["webhook_id"], ["webhooks.id"], name=op.f("fk_deliveries_webhook_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_deliveries")),
        sa.UniqueConstraint("webhook_id", "number", name=op.f("uq_deliveries_webhook_id_number")),
    )
    op.create_index(
        op.f("ix_deliveries_pending"), "deliveries", ["webhook_id", "number"],
        postgresql_where=PENDING, sqlite_where=PENDING,
    )  # fmt: skip
    op.create_index(op.f("ix_deliveries_status_ended_at"), "deliveries", ["status", "ended_at"])
    op.create_table(
        "alert_states",
        sa.Column("subject", sa.String(300), nullable=False),
        sa.Column("is_bad", sa.Boolean(), nullable=False),
        sa.Column("since", sa.Double(), nullable=False),
        sa.Column("project", sa.String(64), server_default="default", nullable=False),
        sa.PrimaryKeyConstraint("project", "subject", name=op.f("pk_alert_states")),
    )
    if op.get_bind().dialect.name == "postgresql":
        every = f"coalesce({PROJECT}, '') = ''"
        for table, condition in OWN.items():
            op.execute(f"CREATE POLICY own_project ON {table} USING ({every} OR {condition})")
            op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
            op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")


def downgrade() -> None:
    for table in ("alert_states", "deliveries", "webhooks"):
        op.drop_table(table)
