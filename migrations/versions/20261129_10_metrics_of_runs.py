"""a run's metrics, computed once at its end

Revision: 20261129_10
Revises: 20261126_09
Date: 2026-11-29 01:35:00
"""

import sqlalchemy as sa
from alembic import op

from gradclinic.store.column_types import Json

revision = "20261129_10"
down_revision = "20261126_09"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("runs", sa.Column("metrics", Json(), nullable=True))


def downgrade() -> None:
    op.drop_column("runs", "metrics")
