"""what the deleted runs of a prescription cost

Revision: 20261126_08
Revises: 20261126_07
Date: 2026-11-26 08:12:00
"""

import sqlalchemy as sa
from alembic import op

from gradclinic.store.column_types import Number

revision = "20261126_08"
down_revision = "20261126_07"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("deleted_trials", sa.Column("seconds", Number(), nullable=True))


def downgrade() -> None:
    op.drop_column("deleted_trials", "seconds")
