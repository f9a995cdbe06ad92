"""views for SQL users

Revision: 20261124_02
Revises: 20261124_01
Date: 2026-11-24 15:12:00

On SQLite, a later migration that alters a table in batch mode must first drop the views on it, then recreate them.
"""

from alembic import op

revision = "20261124_02"
down_revision = "20261124_01"
branch_labels = None
depends_on = None

VIEWS = {
    "runs_v1": """
        SELECT id, name, status, reason_code, reason_text, origin, study_id, arm, seed, step, steps, attempt,
               queue, condition, rule_set, final_train_loss, relative_train_loss, final_validation_loss,
               final_validation_accuracy, steps_to_target, train_seconds,
               {created_at} AS created_at, {started_at} AS started_at, {ended_at} AS ended_at
        FROM runs""",
    "layers_v1": """
        SELECT run_id, statistic, position, layer, records, nonfinite_records,
               first AS first_value, last AS last_value, median AS median_value,
               smallest AS smallest_value, largest AS largest_value
        FROM layer_summaries""",
    "findings_v1": """
        SELECT run_id, number, condition, severity, harm, confidence, first_step, last_step, rule, summary
        FROM findings""",
    "transitions_v1": """
        SELECT run_id, number, status_before, status, attempt, step, owner, reason_code, reason_text, {at} AS at
        FROM transitions""",
}
TIMES = ("created_at", "started_at", "ended_at", "at")


def upgrade() -> None:
    is_sqlite = op.get_bind().dialect.name == "sqlite"
    moment = "strftime('%Y-%m-%dT%H:%M:%fZ', {}, 'unixepoch')" if is_sqlite else "to_timestamp({})"
    times = {column: moment.format(column) for column in TIMES}
    for name, query in VIEWS.items():
        op.get_bind().exec_driver_sql(f"CREATE VIEW {name} AS {query.format(**times)}")


def downgrade() -> None:
    for name in reversed(VIEWS):
        op.execute(f"DROP VIEW {name}")
