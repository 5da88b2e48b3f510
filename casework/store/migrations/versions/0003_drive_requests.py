"""Requests to a drive by their keys.

Revision ID: 0003
Revises: 0002
"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    ident = sa.String(64).with_variant(sa.String(64, collation="C"), "postgresql")
    key = sa.String(255).with_variant(sa.String(255, collation="C"), "postgresql")
    op.create_table(
        "drive_requests",
        sa.Column("update_id", key, nullable=False),
        sa.Column("drive_id", ident, nullable=False),
        sa.Column("digest", ident, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("update_id", name="drive_requests_pkey"),
        sa.ForeignKeyConstraint(["drive_id"], ["drives.id"], name="drive_requests_drive_id_fkey"),
    )
    op.create_index("drive_requests_drive_id_idx", "drive_requests", ["drive_id"])


def downgrade() -> None:
    op.drop_table("drive_requests")
