"""row-level security on PostgreSQL: a transaction that names its project sees and stores that project's rows only

Revision: 20261130_18
Revises: 20261130_17
Date: 2026-11-30 00:40:00

The name is in the setting `gradclinic.project` of the transaction. Without it, all rows are there: for workers, for the
version before this one, and for people who read the database.
"""

from alembic import op

revision = "20261130_18"
down_revision = "20261130_17"
branch_labels = None
depends_on = None

OWNERS = (
    "baselines", "check_keys", "checks", "datasets", "deleted_datasets", "firings", "idempotency_keys", "pins",
    "prescription_keys", "prescriptions", "runs", "schedules", "studies",
)  # fmt: skip
PARTS = {
    "check_runs": ("checks", "check_id"),
    "chunks": ("runs", "run_id"),
    "deleted_trials": ("prescriptions", "prescription_id"),
    "findings": ("runs", "run_id"),
    "labels": ("runs", "run_id"),
    "layer_summaries": ("runs", "run_id"),
    "pinned_runs": ("pins", "pin_id"),
    "recordings": ("runs", "run_id"),
    "transitions": ("runs", "run_id"),
    "trials": ("prescriptions", "prescription_id"),
}
"""Tables whose rows belong to those of another one, with that one and the column that refers to it."""
PROJECT = "current_setting('gradclinic.project', true)"


def upgrade() -> None:
    if op.get_bind().dialect.name != "postgresql":
        return
    conditions = dict.fromkeys(OWNERS, f"project = {PROJECT}")
    for table, (owner, column) in PARTS.items():
        conditions[table] = f"EXISTS (SELECT 1 FROM {owner} WHERE {owner}.id = {table}.{column})"  # noqa: S608
    every = f"coalesce({PROJECT}, '') = ''"  # after a transaction that named one, the setting is an empty text
    with op.get_context().autocommit_block():  # so that it locks one table at a time
        for table, condition in conditions.items():
            op.execute(f"DROP POLICY IF EXISTS own_project ON {table}")
            op.execute(f"CREATE POLICY own_project ON {table} USING ({every} OR {condition})")
            op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
            op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")  # for its owner, too: usually the service


def downgrade() -> None:
    if op.get_bind().dialect.name != "postgresql":
        return
    with op.get_context().autocommit_block():
        for table in (*PARTS, *OWNERS):
            op.execute(f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY")
            op.execute(f"ALTER TABLE {table} DISABLE ROW LEVEL SECURITY")
            op.execute(f"DROP POLICY IF EXISTS own_project ON {table}")
