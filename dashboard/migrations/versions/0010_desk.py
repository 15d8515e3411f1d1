"""Reason codes, templates, terms of decisions, notes"""

from alembic import op
import sqlalchemy as sa


revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
SHIPPED = (
    ("approve", "lapsed", "The domain has lapsed", False),
    ("approve", "caught", "Somebody else has registered the domain", False),
    ("approve", "sold", "The domain was sold", False),
    ("approve", "dependency_lapsed", "What its mail or its names rely on has lapsed", False),
    ("approve", "other", "Another reason (say it in the note)", True),
    ("override", "owner_confirmed", "The owner has shown that they still hold it", False),
    ("override", "provider_wrong", "The evidence is wrong", False),
    ("override", "same_holder", "Registered again by the same holder", False),
    ("override", "dependency_safe", "What has lapsed takes no mail of this domain's", False),
    ("override", "other", "Another reason (say it in the note)", True),
)


def upgrade() -> None:
    reasons = op.create_table(
        "reasons",
        sa.Column("id", BIG, nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("code", sa.String(length=64), nullable=False),
        sa.Column("label", sa.String(length=120), nullable=False),
        sa.Column("needs_note", sa.Boolean(), nullable=False),
        sa.Column("added_by", BIG, nullable=True),
        sa.Column("added_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("retired_by", BIG, nullable=True),
        sa.Column("retired_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["added_by"], ["staff.id"], name=op.f("fk_reasons_added_by")),
        sa.ForeignKeyConstraint(["retired_by"], ["staff.id"], name=op.f("fk_reasons_retired_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reasons")),
    )
    op.create_index("uq_reasons_kind_code", "reasons", ["kind", "code"], unique=True)
    op.bulk_insert(
        reasons,
        [{"kind": kind, "code": code, "label": label, "needs_note": note} for kind, code, label, note in SHIPPED],
    )
    op.create_table(
        "note_templates",
        sa.Column("id", BIG, nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("title", sa.String(length=80), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("added_by", BIG, nullable=False),
        sa.Column("added_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("retired_by", BIG, nullable=True),
        sa.Column("retired_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["added_by"], ["staff.id"], name=op.f("fk_note_templates_added_by")),
        sa.ForeignKeyConstraint(["retired_by"], ["staff.id"], name=op.f("fk_note_templates_retired_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_note_templates")),
    )
    _partial("ix_note_templates_live", "note_templates", ["kind", "id"], "retired_at IS NULL")
    op.create_table(
        "case_notes",
        sa.Column("id", BIG, nullable=False),
        sa.Column("case_id", BIG, nullable=False),
        sa.Column("staff_id", BIG, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_case_notes_case_id")),
        sa.ForeignKeyConstraint(["staff_id"], ["staff.id"], name=op.f("fk_case_notes_staff_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_case_notes")),
    )
    op.create_index("ix_case_notes_case_id", "case_notes", ["case_id"], unique=False)
    op.create_table(
        "mentions",
        sa.Column("note_id", BIG, nullable=False),
        sa.Column("staff_id", BIG, nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["note_id"], ["case_notes.id"], name=op.f("fk_mentions_note_id")),
        sa.ForeignKeyConstraint(["staff_id"], ["staff.id"], name=op.f("fk_mentions_staff_id")),
        sa.PrimaryKeyConstraint("note_id", "staff_id", name=op.f("pk_mentions")),
    )
    _partial("ix_mentions_unseen", "mentions", ["staff_id", "note_id"], "seen_at IS NULL")
    # Columns that are empty everywhere are added in place: SQLite need not rebuild the tables.
    op.add_column("decisions", sa.Column("until", sa.DateTime(timezone=True), nullable=True))
    op.add_column("cases", sa.Column("term_at", sa.DateTime(timezone=True), nullable=True))
    _partial("ix_cases_term_at", "cases", ["term_at"], "term_at IS NOT NULL")


def _partial(name: str, table: str, columns: list[str], where: str) -> None:
    clause = sa.text(where)
    op.create_index(name, table, columns, unique=False, postgresql_where=clause, sqlite_where=clause)


def downgrade() -> None:
    op.drop_index("ix_cases_term_at", table_name="cases")
    op.execute("ALTER TABLE cases DROP COLUMN term_at")
    op.execute("ALTER TABLE decisions DROP COLUMN until")
    for table in ("mentions", "case_notes", "note_templates", "reasons"):
        op.drop_table(table)
