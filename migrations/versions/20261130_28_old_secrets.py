"""the secret of a webhook before the present one, with which alerts are signed, too, for a while

Revision: 20261130_28
Revises: 20261130_27
Date: 2026-11-30 12:10:00
"""

import sqlalchemy as sa
from alembic import op

revision = "20261130_28"
down_revision = "20261130_27"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("webhooks", sa.Column("old_secret", sa.String(200), nullable=True))
    op.add_column("webhooks", sa.Column("old_secret_until", sa.Double(), nullable=True))


def downgrade() -> None:
    op.drop_column("webhooks", "old_secret_until")
    op.drop_column("webhooks", "old_secret")
