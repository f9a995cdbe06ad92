"""numbers of runs, of changes of their status and of steps, which triggers keep for the metrics

Revision: 20261130_21
Revises: 20261130_20
Date: 2026-11-30 04:45:00

A later migration that copies `runs` or `transitions` (SQLite's batch mode) must create their triggers again.
"""

import sqlalchemy as sa
from alembic import op

revision = "20261130_21"
down_revision = "20261130_20"
branch_labels = None
depends_on = None

COLUMNS = "run_tallies (status, reason_code, runs, transitions, steps)"
STEPS = "CASE WHEN {row}.ended_at IS NULL THEN 0 ELSE {row}.step END"
OLD_STEPS, NEW_STEPS = STEPS.format(row="OLD"), STEPS.format(row="NEW")
GAINED = f"(NEW.status, NEW.reason_code, 1, 0, {NEW_STEPS})"
LOST = f"(OLD.status, OLD.reason_code, -1, 0, -({OLD_STEPS}))"
CHANGED = f"OLD.status <> NEW.status OR OLD.reason_code <> NEW.reason_code OR ({OLD_STEPS}) <> ({NEW_STEPS})"
TRIGGERS = {
    "tally_new_run": ("INSERT ON runs", "TRUE", GAINED),
    "tally_changed_run": ("UPDATE OF status, reason_code, ended_at, step ON runs", CHANGED, f"{LOST}, {GAINED}"),
    "tally_deleted_run": ("DELETE ON runs", "TRUE", LOST),
    "tally_new_transition": ("INSERT ON transitions", "TRUE", "(NEW.status, NEW.reason_code, 0, 1, 0)"),
    "tally_deleted_transition": ("DELETE ON transitions", "TRUE", "(OLD.status, OLD.reason_code, 0, -1, 0)"),
}
"""For each trigger: when it fires, its condition, and the rows that it adds."""
UNFINISHED, QUEUED = sa.text("ended_at IS NULL AND step > 0"), sa.text("status = 'queued'")
INDEXES = {"ix_runs_step": (["step"], UNFINISHED), "ix_runs_queue_queued_at": (["queue", "queued_at"], QUEUED)}


def upgrade() -> None:
    _drop_indexes()  # PostgreSQL keeps an invalid index if it was interrupted
    with op.get_context().autocommit_block():
        for name, (columns, where) in INDEXES.items():
            op.create_index(
                op.f(name), "runs", columns, postgresql_where=where, sqlite_where=where, postgresql_concurrently=True
            )
    op.create_table(
        "run_tallies",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("reason_code", sa.String(64), nullable=False),
        sa.Column("runs", sa.Integer(), nullable=False),
        sa.Column("transitions", sa.Integer(), nullable=False),
        sa.Column("steps", sa.BigInteger(), nullable=False),
    )
    for name, (fires, condition, rows) in TRIGGERS.items():
        _create_trigger(name, fires, condition, f"INSERT INTO {COLUMNS} VALUES {rows};")  # noqa: S608
    # The triggers keep writers waiting until this ends, so nothing is missed or counted twice.
    op.execute(f"""
        INSERT INTO {COLUMNS}
        SELECT status, reason_code, count(*), 0, sum({STEPS.format(row="runs")}) FROM runs GROUP BY status, reason_code
    """)  # noqa: S608
    op.execute(f"""
        INSERT INTO {COLUMNS}
        SELECT status, reason_code, 0, count(*), 0 FROM transitions GROUP BY status, reason_code
    """)  # noqa: S608


def downgrade() -> None:
    is_sqlite = op.get_bind().dialect.name == "sqlite"
    for name, (fires, _, _) in TRIGGERS.items():
        if is_sqlite:
            op.execute(f"DROP TRIGGER IF EXISTS {name}")
        else:
            op.execute(f"DROP TRIGGER IF EXISTS {name} ON {fires.rsplit(' ', 1)[1]}")
            op.execute(f"DROP FUNCTION IF EXISTS {name}()")
    op.drop_table("run_tallies")
    _drop_indexes()


def _create_trigger(name: str, fires: str, condition: str, statement: str) -> None:
    if op.get_bind().dialect.name == "sqlite":
        op.execute(f"CREATE TRIGGER {name} AFTER {fires} FOR EACH ROW WHEN {condition} BEGIN {statement} END")
        return
    body = f"BEGIN {statement} RETURN NULL; END"
    op.execute(f"CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $${body}$$")
    op.execute(f"CREATE TRIGGER {name} AFTER {fires} FOR EACH ROW WHEN ({condition}) EXECUTE FUNCTION {name}()")


def _drop_indexes() -> None:
    with op.get_context().autocommit_block():
        for name in INDEXES:
            op.drop_index(op.f(name), "runs", if_exists=True, postgresql_concurrently=True)
