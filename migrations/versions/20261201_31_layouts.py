"""layouts stored once for all runs that have the same; the reconciler moves those of runs that have ended

Revision: 20261201_31
Revises: 20261130_30
Date: 2026-12-01 00:10:00
"""

import sqlalchemy as sa
from alembic import op

revision = "20261201_31"
down_revision = "20261130_30"
branch_labels = None
depends_on = None

AT_ONCE = 50
INDEXES = {
    "ix_runs_layout_digest": ("layout_digest", sa.text("layout_digest IS NOT NULL")),
    "ix_runs_own_layout": ("id", sa.text("layout IS NOT NULL AND ended_at IS NOT NULL")),
}


def upgrade() -> None:
    _drop_indexes()  # PostgreSQL keeps an invalid index if it was interrupted
    there = sa.inspect(op.get_bind())
    if "layouts" not in there.get_table_names():
        document = sa.JSON() if op.get_bind().dialect.name == "postgresql" else sa.Text()
        op.create_table(
            "layouts",
            sa.Column("digest", sa.String(64), nullable=False),
            sa.Column("document", document, nullable=False),
            sa.PrimaryKeyConstraint("digest", name=op.f("pk_layouts")),
        )
    if "layout_digest" not in {column["name"] for column in there.get_columns("runs")}:
        op.add_column("runs", sa.Column("layout_digest", sa.String(64), nullable=True))
    with op.get_context().autocommit_block():
        for name, (column, where) in INDEXES.items():
            op.create_index(
                op.f(name), "runs", [column], postgresql_where=where, sqlite_where=where, postgresql_concurrently=True
            )


def downgrade() -> None:
    """Give each run a layout of its own again, some runs at a time."""
    connection = op.get_bind()
    there = sa.text("SELECT id FROM runs WHERE layout_digest IS NOT NULL ORDER BY id LIMIT :most")
    give = sa.text(
        "UPDATE runs SET layout_digest = NULL, layout = coalesce(layout,"
        " (SELECT document FROM layouts WHERE digest = runs.layout_digest)) WHERE id IN :ids"
    ).bindparams(sa.bindparam("ids", expanding=True))
    while ids := list(connection.execute(there, {"most": AT_ONCE}).scalars()):
        connection.execute(give, {"ids": ids})
    _drop_indexes()
    op.drop_column("runs", "layout_digest")
    op.drop_table("layouts")


def _drop_indexes() -> None:
    with op.get_context().autocommit_block():
        for name in INDEXES:
            op.drop_index(op.f(name), "runs", if_exists=True, postgresql_concurrently=True)
