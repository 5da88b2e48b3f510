"""Seminars, drives and targets.

Revision ID: 0002
Revises: 0001
"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def ident() -> sa.types.TypeEngine[str]:
    return sa.String(64).with_variant(sa.String(64, collation="C"), "postgresql")


def key() -> sa.types.TypeEngine[str]:
    return sa.String(255).with_variant(sa.String(255, collation="C"), "postgresql")


def instant() -> sa.DateTime:
    return sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "seminars",
        sa.Column("id", ident(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("held_on", sa.Date(), nullable=False),
        sa.Column("province", ident(), nullable=True),
        sa.Column("place", sa.Text(), nullable=True),
        sa.Column("created_by", ident(), nullable=False),
        sa.Column("created_at", instant(), nullable=False),
        sa.Column("update_id", key(), nullable=False),
        sa.Column("digest", ident(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="seminars_pkey"),
        sa.UniqueConstraint("update_id", name="seminars_update_id_key"),
    )
    op.create_table(
        "targets",
        sa.Column("program", ident(), nullable=False),
        sa.Column("fiscal_year", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("province", ident(), nullable=False),
        sa.Column("target", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("program", "fiscal_year", "province", name="targets_pkey"),
    )
    op.create_table(
        "drives",
        sa.Column("id", ident(), nullable=False),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("program", ident(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("seminar_id", ident(), nullable=True),
        sa.Column("state", sa.String(32), nullable=False),
        sa.Column("state_at", instant(), nullable=False),
        sa.Column("state_by", ident(), nullable=False),
        sa.Column("state_reason", sa.Text(), nullable=True),
        sa.Column("pace", sa.Integer(), nullable=True),
        sa.Column("window", sa.Integer(), nullable=False),
        sa.Column("invite_again", sa.Boolean(), nullable=False),
        sa.Column("renew_before", instant(), nullable=True),
        sa.Column("file_name", sa.Text(), nullable=True),
        sa.Column("list_columns", sa.Text(), nullable=True),
        sa.Column("mapping", sa.Text(), nullable=True),
        sa.Column("chosen_by", sa.Text(), nullable=True),
        sa.Column("judged_at", instant(), nullable=True),
        sa.Column("started_at", instant(), nullable=True),
        sa.Column("ended_at", instant(), nullable=True),
        sa.Column("created_by", ident(), nullable=False),
        sa.Column("created_at", instant(), nullable=False),
        sa.Column("update_id", key(), nullable=False),
        sa.Column("digest", ident(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="drives_pkey"),
        sa.ForeignKeyConstraint(["seminar_id"], ["seminars.id"], name="drives_seminar_id_fkey"),
        sa.UniqueConstraint("update_id", name="drives_update_id_key"),
    )
    op.create_index("drives_latest", "drives", ["created_at", "id"])
    op.create_index("drives_seminar_id_idx", "drives", ["seminar_id"])
    op.create_table(
        "drive_provinces",
        sa.Column("drive_id", ident(), nullable=False),
        sa.Column("province", ident(), nullable=False),
        sa.PrimaryKeyConstraint("drive_id", "province", name="drive_provinces_pkey"),
        sa.ForeignKeyConstraint(["drive_id"], ["drives.id"], name="drive_provinces_drive_id_fkey"),
    )
    op.create_table(
        "drive_rows",
        sa.Column("drive_id", ident(), nullable=False),
        sa.Column("line", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("cells", sa.Text(), nullable=False),
        sa.Column("problems", sa.Text(), nullable=False),
        sa.Column("notes", sa.Text(), nullable=False),
        sa.Column("registration_no", ident(), nullable=True),
        sa.Column("name_th", sa.Text(), nullable=True),
        sa.Column("name_en", sa.Text(), nullable=True),
        sa.Column("address", sa.Text(), nullable=True),
        sa.Column("province", ident(), nullable=True),
        sa.Column("latitude", sa.Float(), nullable=True),
        sa.Column("longitude", sa.Float(), nullable=True),
        sa.Column("contact_name", sa.Text(), nullable=True),
        sa.Column("email", sa.Text(), nullable=True),
        sa.Column("phone", sa.Text(), nullable=True),
        sa.Column("language", ident(), nullable=False),
        sa.Column("name_key_th", sa.Text(), nullable=True),
        sa.Column("name_key_en", sa.Text(), nullable=True),
        sa.Column("address_key", sa.Text(), nullable=True),
        sa.Column("establishment_id", ident(), nullable=True),
        sa.Column("duplicate_of", sa.Integer(), nullable=True),
        sa.Column("verdict", sa.String(32), nullable=True),
        sa.Column("verdict_about", ident(), nullable=True),
        sa.Column("outcome", sa.String(32), nullable=True),
        sa.Column("outcome_why", sa.String(32), nullable=True),
        sa.Column("outcome_about", ident(), nullable=True),
        sa.Column("case_id", ident(), nullable=True),
        sa.Column("done_at", instant(), nullable=True),
        sa.PrimaryKeyConstraint("drive_id", "line", name="drive_rows_pkey"),
        sa.ForeignKeyConstraint(["drive_id"], ["drives.id"], name="drive_rows_drive_id_fkey"),
    )
    op.create_index("drive_rows_case", "drive_rows", ["case_id"])
    op.create_index("drive_rows_outcome", "drive_rows", ["drive_id", "outcome", "line"])


def downgrade() -> None:
    for table in ("drive_rows", "drive_provinces", "drives", "targets", "seminars"):
        op.drop_table(table)
