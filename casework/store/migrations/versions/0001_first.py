"""The first schema.

Revision ID: 0001
Revises:
"""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def ident() -> sa.types.TypeEngine[str]:
    return sa.String(64).with_variant(sa.String(64, collation="C"), "postgresql")


def key() -> sa.types.TypeEngine[str]:
    return sa.String(255).with_variant(sa.String(255, collation="C"), "postgresql")


def instant() -> sa.DateTime:
    return sa.DateTime(timezone=True)


def upgrade() -> None:
    _create_tables()
    if op.get_bind().dialect.name == "postgresql":
        op.execute("CREATE EXTENSION IF NOT EXISTS pg_trgm")
        op.create_index(
            "establishments_search",
            "establishments",
            ["search_text"],
            postgresql_using="gin",
            postgresql_ops={"search_text": "gin_trgm_ops"},
            # Establishments change rarely and are sought all the time: no list of pending entries
            # that each search has to read beside the index.
            postgresql_with={"fastupdate": "off"},
        )
    else:
        for statement in _TRIGRAMS:
            op.execute(statement)


def downgrade() -> None:
    # The extension stays: others may use it, and it does no harm.
    if op.get_bind().dialect.name == "sqlite":
        op.execute("DROP TABLE establishment_trigrams")
        op.execute("DROP TABLE establishment_trigram_rows")
    for table in reversed(_TABLES):
        op.drop_table(table)


# A row of FTS5 is known by its number only, and the hidden row number of a table with another key
# may change when the database is vacuumed. So the numbers have a table of their own.
_TRIGRAMS = (
    """
    CREATE TABLE establishment_trigram_rows (
        number INTEGER PRIMARY KEY,
        establishment_id VARCHAR(64) NOT NULL UNIQUE
    )
    """,
    "CREATE VIRTUAL TABLE establishment_trigrams USING fts5(search_text, tokenize = 'trigram')",
    """
    CREATE TRIGGER establishments_inserted AFTER INSERT ON establishments BEGIN
        INSERT INTO establishment_trigram_rows (establishment_id) VALUES (new.id);
        INSERT INTO establishment_trigrams (rowid, search_text)
        SELECT number, new.search_text FROM establishment_trigram_rows
        WHERE establishment_id = new.id;
    END
    """,
    """
    CREATE TRIGGER establishments_updated AFTER UPDATE OF search_text ON establishments
    WHEN new.search_text <> old.search_text BEGIN
        UPDATE establishment_trigrams SET search_text = new.search_text
        WHERE rowid = (
            SELECT number FROM establishment_trigram_rows WHERE establishment_id = new.id
        );
    END
    """,
    """
    CREATE TRIGGER establishments_deleted AFTER DELETE ON establishments BEGIN
        DELETE FROM establishment_trigrams
        WHERE rowid = (
            SELECT number FROM establishment_trigram_rows WHERE establishment_id = old.id
        );
        DELETE FROM establishment_trigram_rows WHERE establishment_id = old.id;
    END
    """,
)

_TABLES = (
    "cases",
    "establishments",
    "evidence_files",
    "people",
    "refusals",
    "contacts",
    "journal",
    "intents",
    "texts",
    "erasures",
    "calendars",
    "notices",
    "register_entries",
    "representations",
    "runs",
    "enrollments",
    "communities",
    "revocations",
)


def _create_tables() -> None:
    op.create_table(
        "cases",
        sa.Column("case_id", ident(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("stage", sa.String(32), nullable=False),
        sa.Column("program", ident(), nullable=False),
        sa.Column("program_version", ident(), nullable=False),
        sa.Column("province", ident(), nullable=False),
        sa.Column("establishment_id", ident(), nullable=False),
        sa.Column("officer", ident(), nullable=True),
        sa.Column("inspector", ident(), nullable=True),
        sa.Column("due_at", instant(), nullable=True),
        sa.Column("due_period", sa.String(32), nullable=True),
        sa.Column("queue_at", instant(), nullable=False),
        sa.Column("next_deadline_at", instant(), nullable=True),
        sa.Column("opened_at", instant(), nullable=False),
        sa.Column("changed_at", instant(), nullable=False),
        sa.Column("feedback_closes_at", instant(), nullable=True),
        sa.Column("feedback_closed", sa.Boolean(), nullable=False),
        sa.Column("is_closed", sa.Boolean(), nullable=False),
        sa.Column("level", ident(), nullable=True),
        sa.Column("granted_at", instant(), nullable=True),
        sa.Column("valid_until", instant(), nullable=True),
        sa.Column("calendar_revision", ident(), nullable=False),
        sa.Column("register_entry", sa.Integer(), nullable=True),
        sa.Column("snapshot", sa.Text(), nullable=False),
        sa.Column("head", ident(), nullable=False),
        sa.PrimaryKeyConstraint("case_id", name="cases_pkey"),
    )
    op.create_index(
        "cases_calendar",
        "cases",
        ["calendar_revision"],
        sqlite_where=sa.text("is_closed = 0"),
        postgresql_where=sa.text("NOT is_closed"),
    )
    op.create_index(
        "cases_deadline",
        "cases",
        ["next_deadline_at"],
        sqlite_where=sa.text("is_closed = 0"),
        postgresql_where=sa.text("NOT is_closed"),
    )
    op.create_index("cases_establishment", "cases", ["establishment_id"])
    op.create_index("cases_officer_queue", "cases", ["officer", "queue_at", "case_id"])
    op.create_index("cases_province_queue", "cases", ["province", "queue_at", "case_id"])
    op.create_index(
        "cases_province_stage_queue", "cases", ["province", "stage", "queue_at", "case_id"]
    )
    op.create_index("cases_queue", "cases", ["queue_at", "case_id"])
    op.create_index("cases_stage_queue", "cases", ["stage", "queue_at", "case_id"])
    op.create_table(
        "establishments",
        sa.Column("id", ident(), nullable=False),
        sa.Column("registration_no", ident(), nullable=False),
        sa.Column("name_th", sa.Text(), nullable=True),
        sa.Column("name_en", sa.Text(), nullable=True),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("province", ident(), nullable=False),
        sa.Column("latitude", sa.Float(), nullable=True),
        sa.Column("longitude", sa.Float(), nullable=True),
        sa.Column("river_basin", ident(), nullable=True),
        sa.Column("search_text", sa.Text(), nullable=False),
        sa.Column("created_at", instant(), nullable=False),
        sa.Column("updated_at", instant(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="establishments_pkey"),
        sa.UniqueConstraint("registration_no", name="establishments_registration_no_key"),
    )
    op.create_table(
        "evidence_files",
        sa.Column("sha256", ident(), nullable=False),
        sa.Column("media_type", ident(), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("uploaded_by", ident(), nullable=False),
        sa.Column("uploaded_at", instant(), nullable=False),
        sa.PrimaryKeyConstraint("sha256", name="evidence_files_pkey"),
    )
    op.create_table(
        "people",
        sa.Column("person", ident(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("language", ident(), nullable=False),
        sa.Column("kinds", sa.Text(), nullable=False),
        sa.Column("provinces", sa.Text(), nullable=False),
        sa.Column("programs", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("person", name="people_pkey"),
    )
    op.create_table(
        "refusals",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("case_id", ident(), nullable=False),
        sa.Column("act", ident(), nullable=False),
        sa.Column("person", ident(), nullable=False),
        sa.Column("kinds", sa.Text(), nullable=False),
        sa.Column("code", ident(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("at", instant(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="refusals_pkey"),
    )
    op.create_index("refusals_case", "refusals", ["case_id", "id"])
    op.create_table(
        "intents",
        sa.Column("update_id", key(), nullable=False),
        sa.Column("case_id", ident(), nullable=False),
        sa.Column("act", ident(), nullable=False),
        sa.Column("at", instant(), nullable=False),
        sa.Column("sent_at", instant(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("update_id", name="intents_pkey"),
    )
    op.create_index("intents_at", "intents", ["at"])
    op.create_table(
        "texts",
        sa.Column("ref", ident(), nullable=False),
        sa.Column("salt", ident(), nullable=True),
        sa.Column("text", sa.Text(), nullable=True),
        sa.Column("subject", ident(), nullable=False),
        sa.Column("author", ident(), nullable=False),
        sa.Column("act", ident(), nullable=False),
        sa.Column("request", key(), nullable=False),
        sa.Column("place", ident(), nullable=False),
        sa.Column("at", instant(), nullable=False),
        sa.Column("erased_at", instant(), nullable=True),
        sa.PrimaryKeyConstraint("ref", name="texts_pkey"),
        sa.UniqueConstraint("request", "place", name="texts_once"),
    )
    op.create_index("texts_subject", "texts", ["subject"])
    op.create_index("texts_author", "texts", ["author"])
    op.create_table(
        "erasures",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("subject", ident(), nullable=False),
        sa.Column("kind", ident(), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("by", ident(), nullable=False),
        sa.Column("at", instant(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="erasures_pkey"),
    )
    op.create_table(
        "calendars",
        sa.Column("revision", ident(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("revision", name="calendars_pkey"),
    )
    op.create_table(
        "contacts",
        sa.Column("id", ident(), nullable=False),
        sa.Column("establishment_id", ident(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("phone", sa.Text(), nullable=True),
        sa.Column("language", ident(), nullable=False),
        sa.Column("created_at", instant(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="contacts_pkey"),
        sa.ForeignKeyConstraint(
            ["establishment_id"], ["establishments.id"], name="contacts_establishment_id_fkey"
        ),
    )
    op.create_index("contacts_establishment_id_idx", "contacts", ["establishment_id"])
    op.create_table(
        "journal",
        sa.Column("case_id", ident(), nullable=False),
        sa.Column("seq", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("at", instant(), nullable=False),
        sa.Column("type", ident(), nullable=False),
        sa.Column("actor_person", ident(), nullable=False),
        sa.Column("actor_kind", sa.String(32), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("previous_hash", ident(), nullable=False),
        sa.Column("hash", ident(), nullable=False),
        sa.PrimaryKeyConstraint("case_id", "seq", name="journal_pkey"),
        sa.ForeignKeyConstraint(["case_id"], ["cases.case_id"], name="journal_case_id_fkey"),
    )
    op.create_table(
        "notices",
        sa.Column("key", key(), nullable=False),
        sa.Column("case_id", ident(), nullable=False),
        sa.Column("slug", ident(), nullable=False),
        sa.Column("subject", sa.String(32), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("recipient", key(), nullable=False),
        sa.Column("bulk", sa.Boolean(), nullable=False),
        sa.Column("state", sa.String(32), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("next_attempt_at", instant(), nullable=False),
        sa.Column("claim", ident(), nullable=True),
        sa.Column("claimed_at", instant(), nullable=True),
        sa.Column("finished_at", instant(), nullable=True),
        sa.Column("failure", sa.Text(), nullable=True),
        sa.Column("message_id", sa.Text(), nullable=True),
        sa.Column("created_at", instant(), nullable=False),
        sa.PrimaryKeyConstraint("key", name="notices_pkey"),
        sa.ForeignKeyConstraint(["case_id"], ["cases.case_id"], name="notices_case_id_fkey"),
    )
    op.create_index("notices_case", "notices", ["case_id", "recipient"])
    op.create_index(
        "notices_due",
        "notices",
        ["bulk", "next_attempt_at", "seq", "key"],
        sqlite_where=sa.text("state = 'created'"),
        postgresql_where=sa.text("state = 'created'"),
    )
    op.create_index(
        "notices_sending",
        "notices",
        ["claimed_at"],
        sqlite_where=sa.text("state = 'sending'"),
        postgresql_where=sa.text("state = 'sending'"),
    )
    op.create_index(
        "notices_failed",
        "notices",
        ["created_at", "key"],
        sqlite_where=sa.text("state = 'failed'"),
        postgresql_where=sa.text("state = 'failed'"),
    )
    op.create_index(
        "notices_unknown",
        "notices",
        ["created_at", "key"],
        sqlite_where=sa.text("state = 'unknown'"),
        postgresql_where=sa.text("state = 'unknown'"),
    )
    op.create_table(
        "register_entries",
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("case_id", ident(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("establishment_id", ident(), nullable=False),
        sa.Column("program", ident(), nullable=False),
        sa.Column("status", sa.String(32), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("at", instant(), nullable=False),
        sa.PrimaryKeyConstraint("number", name="register_entries_pkey"),
        sa.ForeignKeyConstraint(
            ["case_id"], ["cases.case_id"], name="register_entries_case_id_fkey"
        ),
        sa.UniqueConstraint("case_id", "version", name="register_entries_once"),
    )
    op.create_table(
        "representations",
        sa.Column("case_id", ident(), nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("stance", sa.String(32), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("author_name", sa.Text(), nullable=True),
        sa.Column("author_email", sa.Text(), nullable=True),
        sa.Column("language", ident(), nullable=False),
        sa.Column("received_at", instant(), nullable=False),
        sa.Column("receipt", ident(), nullable=False),
        sa.Column("accepted", sa.Boolean(), nullable=False),
        sa.Column("disposition", sa.String(32), nullable=True),
        sa.Column("answer", sa.Text(), nullable=True),
        sa.Column("disposed_at", instant(), nullable=True),
        sa.Column("update_key", key(), nullable=False),
        sa.Column("digest", ident(), nullable=False),
        sa.PrimaryKeyConstraint("case_id", "number", name="representations_pkey"),
        sa.ForeignKeyConstraint(
            ["case_id"], ["cases.case_id"], name="representations_case_id_fkey"
        ),
        sa.UniqueConstraint("receipt", name="representations_receipt_key"),
        sa.UniqueConstraint("update_key", name="representations_update_key_key"),
    )
    op.create_index("representations_received", "representations", ["received_at"])
    op.create_table(
        "runs",
        sa.Column("case_id", ident(), nullable=False),
        sa.Column("run_id", ident(), nullable=False),
        sa.Column("ended_at", instant(), nullable=False),
        sa.Column("exported_at", instant(), nullable=True),
        sa.Column("file", ident(), nullable=True),
        sa.Column("gone", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("case_id", "run_id", name="runs_pkey"),
        sa.ForeignKeyConstraint(["case_id"], ["cases.case_id"], name="runs_case_id_fkey"),
    )
    op.create_index(
        "runs_to_export",
        "runs",
        ["ended_at"],
        sqlite_where=sa.text("exported_at IS NULL"),
        postgresql_where=sa.text("exported_at IS NULL"),
    )
    op.create_table(
        "enrollments",
        sa.Column("case_id", ident(), nullable=False),
        sa.Column("program", ident(), nullable=False),
        sa.Column("establishment_id", ident(), nullable=False),
        sa.Column("cycle", sa.Integer(), nullable=False),
        sa.Column("program_version", ident(), nullable=False),
        sa.Column("province", ident(), nullable=False),
        sa.Column("contact_id", ident(), nullable=False),
        sa.Column("applicant", ident(), nullable=False),
        sa.Column("update_id", key(), nullable=False),
        sa.Column("digest", ident(), nullable=False),
        sa.Column("created_at", instant(), nullable=False),
        sa.PrimaryKeyConstraint("case_id", name="enrollments_pkey"),
        sa.ForeignKeyConstraint(
            ["contact_id"], ["contacts.id"], name="enrollments_contact_id_fkey"
        ),
        sa.ForeignKeyConstraint(
            ["establishment_id"], ["establishments.id"], name="enrollments_establishment_id_fkey"
        ),
        sa.UniqueConstraint("program", "establishment_id", "cycle", name="enrollments_once"),
        sa.UniqueConstraint("update_id", name="enrollments_update_id_key"),
    )
    op.create_index("enrollments_establishment_id_idx", "enrollments", ["establishment_id"])
    op.create_table(
        "communities",
        sa.Column("case_id", ident(), nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("email", sa.Text(), nullable=True),
        sa.Column("phone", sa.Text(), nullable=True),
        sa.Column("address", sa.Text(), nullable=True),
        sa.Column("language", ident(), nullable=False),
        sa.Column("changed_by", ident(), nullable=False),
        sa.Column("changed_at", instant(), nullable=False),
        sa.PrimaryKeyConstraint("case_id", "number", name="communities_pkey"),
    )
    op.create_table(
        "revocations",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("person", ident(), nullable=True),
        sa.Column("token", key(), nullable=True),
        sa.Column("since", instant(), nullable=False),
        sa.Column("by", ident(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("lifted_at", instant(), nullable=True),
        sa.Column("lifted_by", ident(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="revocations_pkey"),
    )
