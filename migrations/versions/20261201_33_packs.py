"""the chunks of a run that has ended may be in packs, which earlier versions cannot read

Revision: 20261201_33
Revises: 20261201_32
Date: 2026-12-01 00:30:00
"""

import json

import sqlalchemy as sa
from alembic import op

revision = "20261201_33"
down_revision = "20261201_32"
branch_labels = None
depends_on = None

EVERY = "coalesce(current_setting('gradclinic.project', true), '') = ''"
OWN = "EXISTS (SELECT 1 FROM runs WHERE runs.id = packs.run_id)"
COLUMNS = ("statistic", "first_step", "last_step", "n", "places")
PACKS = sa.table(
    "packs",
    sa.column("run_id", sa.String),
    sa.column("number", sa.Integer),
    sa.column("entries", sa.Text),
    sa.column("content", sa.LargeBinary),
)
CHUNKS = sa.table(
    "chunks",
    sa.column("run_id", sa.String),
    *(sa.column(name) for name in (*COLUMNS, "codec")),
    *(sa.column(name, sa.LargeBinary) for name in ("steps", "values")),
)
AT_ONCE = 20


def upgrade() -> None:
    op.create_table(
        "packs",
        sa.Column("run_id", sa.String(40), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("entries", sa.Text(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["run_id"], ["runs.id"], name=op.f("fk_packs_run_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("run_id", "number", name=op.f("pk_packs")),
    )
    if op.get_bind().dialect.name == "postgresql":
        op.execute(f"CREATE POLICY own_project ON packs USING ({EVERY} OR {OWN})")
        op.execute("ALTER TABLE packs ENABLE ROW LEVEL SECURITY")
        op.execute("ALTER TABLE packs FORCE ROW LEVEL SECURITY")


def downgrade() -> None:
    """Write each chunk as a row of its own again; a pack whose entries are damaged is lost."""
    connection = op.get_bind()
    columns = PACKS.c
    last: tuple[object, ...] = ("", -1)
    while True:
        rows = connection.execute(
            sa.select(PACKS)
            .where(sa.tuple_(columns.run_id, columns.number) > sa.tuple_(*map(sa.literal, last)))
            .order_by(columns.run_id, columns.number)
            .limit(AT_ONCE)
        ).all()
        chunks = [chunk for row in rows for chunk in _chunks(row)]
        if chunks:
            connection.execute(sa.insert(CHUNKS), chunks)
        if len(rows) < AT_ONCE:
            break
        last = rows[-1].run_id, rows[-1].number
    op.drop_table("packs")


def _chunks(row: sa.Row) -> list[dict[str, object]]:
    try:
        entries = json.loads(row.entries)
    except ValueError:
        return []
    found: list[dict[str, object]] = []
    at = 0
    for *values, steps, size in entries:
        middle, end = at + steps, at + steps + size
        chunk = dict(zip(COLUMNS, values, strict=True))
        content = {"steps": row.content[at:middle], "values": row.content[middle:end]}
        found.append(chunk | content | {"run_id": row.run_id, "codec": "f4le-zlib"})
        at = end
    return found
