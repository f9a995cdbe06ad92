"""the project of each resource; names and idempotency keys are unique in their project

Revision: 20261129_13
Revises: 20261129_12
Date: 2026-11-29 19:05:00

SQLite changes a primary key by copying the table. Dropping `schedules` would delete the firings that refer to it, so
these are set aside meanwhile.
"""

import sqlalchemy as sa
from alembic import op

revision = "20261129_13"
down_revision = "20261129_12"
branch_labels = None
depends_on = None

PLAIN = ("api_keys", "checks", "datasets", "deleted_datasets", "pins", "prescriptions", "runs", "studies")
"""Tables whose ids stay unique in all projects."""
NAMED = {
    "baselines": ("name",),
    "check_keys": ("key",),
    "idempotency_keys": ("key",),
    "prescription_keys": ("key",),
    "schedules": ("name",),
    "firings": ("schedule", "due_at"),
}
"""Tables with their primary key, which becomes unique in its project."""


def upgrade() -> None:
    for table in (*PLAIN, *NAMED):
        op.add_column(table, sa.Column("project", sa.String(length=64), nullable=False, server_default="default"))
    _change_keys(within=("project",), before="fk_firings_schedule", after="fk_firings_project_schedule")


def downgrade() -> None:
    _change_keys(within=(), before="fk_firings_project_schedule", after="fk_firings_schedule")
    for table in (*NAMED, *PLAIN):
        op.drop_column(table, "project")


def _change_keys(*, within: tuple[str, ...], before: str, after: str) -> None:
    """Give the named tables their keys, and firings their reference to schedules, whose name changes too."""
    is_sqlite = op.get_bind().dialect.name == "sqlite"
    if is_sqlite:
        op.execute("CREATE TABLE firings_aside AS SELECT * FROM firings")
        op.execute("DELETE FROM firings")
    with op.batch_alter_table("firings") as firings:
        firings.drop_constraint(op.f(before), type_="foreignkey")
    for table, columns in NAMED.items():
        with op.batch_alter_table(table) as changed:
            changed.drop_constraint(op.f(f"pk_{table}"), type_="primary")
            changed.create_primary_key(op.f(f"pk_{table}"), [*within, *columns])
    with op.batch_alter_table("firings") as firings:
        firings.create_foreign_key(
            op.f(after), "schedules", [*within, "schedule"], [*within, "name"], ondelete="CASCADE"
        )
    if is_sqlite:
        columns = ", ".join(("project", "schedule", "due_at", "fired_at", "check_id", "problem"))
        op.execute(f"INSERT INTO firings ({columns}) SELECT {columns} FROM firings_aside")  # noqa: S608
        op.execute("DROP TABLE firings_aside")
