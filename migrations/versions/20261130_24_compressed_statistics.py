"""statistics of runs that have ended may be compressed, which earlier versions cannot read

Revision: 20261130_24
Revises: 20261130_23
Date: 2026-11-30 08:20:00
"""

import zlib
from itertools import accumulate
from struct import iter_unpack, pack

import sqlalchemy as sa
from alembic import op

revision = "20261130_24"
down_revision = "20261130_23"
branch_labels = None
depends_on = None

CHUNKS = sa.table(
    "chunks",
    sa.column("run_id", sa.String),
    sa.column("statistic", sa.String),
    sa.column("first_step", sa.Integer),
    sa.column("codec", sa.String),
    sa.column("steps", sa.LargeBinary),
    sa.column("values", sa.LargeBinary),
)
KEY = ("run_id", "statistic", "first_step")
AT_ONCE = 100


def upgrade() -> None:
    """Nothing: chunks say how they are packed, and new ones are compressed when their run ends."""


def downgrade() -> None:
    """Write the raw bytes of each compressed chunk; one that is damaged stays as it is."""
    connection = op.get_bind()
    columns = CHUNKS.c
    compressed = columns.codec == "f4le-zlib"
    last: tuple[object, ...] = ("", "", -1)
    while True:
        rows = connection.execute(
            sa.select(CHUNKS)
            .where(compressed, sa.tuple_(*(columns[name] for name in KEY)) > sa.tuple_(*map(sa.literal, last)))
            .order_by(*(columns[name] for name in KEY))
            .limit(AT_ONCE)
        ).all()
        for row in rows:
            try:
                values = {"codec": "f4le", "steps": _steps(row.steps), "values": _values(row.values)}
            except zlib.error:
                continue
            here = (columns[name] == getattr(row, name) for name in KEY)
            connection.execute(sa.update(CHUNKS).where(*here).values(values))
        if len(rows) < AT_ONCE:
            return
        last = tuple(getattr(rows[-1], name) for name in KEY)


def _steps(compressed: bytes) -> bytes:
    differences = (each for (each,) in iter_unpack("<i", zlib.decompress(compressed)))
    return b"".join(pack("<i", step) for step in accumulate(differences))


def _values(compressed: bytes) -> bytes:
    content = zlib.decompress(compressed)
    count = len(content) // 4
    values = bytearray(len(content))
    for place in range(4):
        values[place::4] = content[place * count : (place + 1) * count]
    return bytes(values)
