"""people who log in by OpenID Connect, and the project that a session has chosen

Revision: 20261130_27
Revises: 20261130_26
Date: 2026-11-30 12:00:00
"""

import sqlalchemy as sa
from alembic import op

from gradclinic.store.column_types import Json

revision = "20261130_27"
down_revision = "20261130_26"
branch_labels = None
depends_on = None

NAME = "ix_api_keys_subject"


def upgrade() -> None:
    op.add_column("api_keys", sa.Column("subject", sa.String(64), nullable=True))
    op.add_column("sessions", sa.Column("grants", Json(), nullable=True))
    op.add_column("sessions", sa.Column("project", sa.String(64), nullable=True))
    with op.get_context().autocommit_block():
        # PostgreSQL keeps an invalid index if it was interrupted
        op.drop_index(NAME, "api_keys", if_exists=True, postgresql_concurrently=True)
        op.create_index(NAME, "api_keys", ["subject"], unique=True, postgresql_concurrently=True)


def downgrade() -> None:
    op.drop_index(NAME, "api_keys", if_exists=True)
    op.drop_column("sessions", "project")
    op.drop_column("sessions", "grants")
    op.drop_column("api_keys", "subject")
