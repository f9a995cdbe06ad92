"""on SQLite, the summaries of layers are stored in the order of their key, without an index beside them

Revision: 20261201_32
Revises: 20261201_31
Date: 2026-12-01 00:20:00
"""

import sqlalchemy as sa
from alembic import op

revision = "20261201_32"
down_revision = "20261201_31"
branch_labels = None
depends_on = None

NUMBERS = ("first", "last", "median", "smallest", "largest")


def upgrade() -> None:
    _rebuild(with_rowid=False)


def downgrade() -> None:
    _rebuild(with_rowid=True)


def _rebuild(*, with_rowid: bool) -> None:
    connection = op.get_bind()
    if connection.dialect.name != "sqlite":
        return
    view = connection.exec_driver_sql("SELECT sql FROM sqlite_schema WHERE name = 'layers_v1'").scalar_one()
    op.execute("DROP VIEW layers_v1")
    op.create_table(
        "layer_summaries_new",
        sa.Column("run_id", sa.String(40), nullable=False),
        sa.Column("statistic", sa.String(64), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("layer", sa.String(200), nullable=False),
        sa.Column("records", sa.Integer(), nullable=False),
        sa.Column("nonfinite_records", sa.Integer(), nullable=False),
        *(sa.Column(name, sa.Double(), nullable=False) for name in NUMBERS),
        sa.ForeignKeyConstraint(["run_id"], ["runs.id"], name=op.f("fk_layer_summaries_run_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("run_id", "statistic", "position", name=op.f("pk_layer_summaries")),
        sqlite_with_rowid=with_rowid,
    )
    op.execute(
        "INSERT INTO layer_summaries_new SELECT run_id, statistic, position, layer, records, nonfinite_records,"
        " first, last, median, smallest, largest FROM layer_summaries ORDER BY run_id, statistic, position"
    )
    op.drop_table("layer_summaries")
    op.rename_table("layer_summaries_new", "layer_summaries")
    connection.exec_driver_sql(view)
