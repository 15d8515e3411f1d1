"""Bulk actions; decisions taken back, and the un-verifications that take others back"""

from alembic import op
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql


revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
JSON = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")
WHEN = sa.DateTime(timezone=True)
WORKING = "state IN ('preparing', 'running')"

COLUMNS = (
    ("decisions", "bulk_id", "bulk_actions"),
    ("decisions", "reverted_by", "staff"),
    ("unverifications", "reverts_id", "unverifications"),
)
TIMES = (("decisions", "reverted_at"), ("unverifications", "revert_asked_at"))


def upgrade() -> None:
    op.create_table(
        "bulk_actions",
        sa.Column("id", ID, nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("scope", sa.String(length=16), nullable=False),
        sa.Column("filters", JSON, nullable=True),
        sa.Column("shown_count", sa.Integer(), nullable=True),
        sa.Column("author_id", ID, nullable=False),
        sa.Column("second_id", ID, nullable=True),
        sa.Column("reverts_id", ID, nullable=True),
        sa.Column("reason_code", sa.String(length=64), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("effect", sa.String(length=32), nullable=False),
        sa.Column("policy", JSON, nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("counts", JSON, nullable=False),
        sa.Column("needs_second", sa.Boolean(), nullable=False),
        sa.Column("is_staged", sa.Boolean(), nullable=False),
        sa.Column("stage", sa.Integer(), nullable=False),
        sa.Column("created_at", WHEN, nullable=False),
        sa.Column("confirmed_at", WHEN, nullable=True),
        sa.Column("started_at", WHEN, nullable=True),
        sa.Column("finished_at", WHEN, nullable=True),
        sa.Column("expires_at", WHEN, nullable=False),
        sa.Column("stopped_why", sa.String(length=32), nullable=False),
        sa.Column("items", sa.Integer(), nullable=False),
        sa.Column("addresses", sa.Integer(), nullable=False),
        sa.Column("done_items", sa.Integer(), nullable=False),
        sa.Column("done_addresses", sa.Integer(), nullable=False),
        sa.Column("skipped_items", sa.Integer(), nullable=False),
        sa.Column("skipped_addresses", sa.Integer(), nullable=False),
        sa.Column("failed_items", sa.Integer(), nullable=False),
        sa.Column("busy_ms", sa.BigInteger(), nullable=False),
        sa.Column("lease", sa.String(length=32), nullable=True),
        sa.Column("leased_until", WHEN, nullable=True),
        sa.Column("round", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["author_id"], ["staff.id"], name=op.f("fk_bulk_actions_author_id")),
        sa.ForeignKeyConstraint(["second_id"], ["staff.id"], name=op.f("fk_bulk_actions_second_id")),
        sa.ForeignKeyConstraint(["reverts_id"], ["bulk_actions.id"], name=op.f("fk_bulk_actions_reverts_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_bulk_actions")),
    )
    op.create_index(
        "ix_bulk_actions_working",
        "bulk_actions",
        ["id"],
        unique=False,
        postgresql_where=sa.text(WORKING),
        sqlite_where=sa.text(WORKING),
    )
    op.create_index("ix_bulk_actions_reverts_id", "bulk_actions", ["reverts_id"], unique=False)
    op.create_table(
        "bulk_items",
        sa.Column("id", ID, nullable=False),
        sa.Column("bulk_id", ID, nullable=False),
        sa.Column("case_id", ID, nullable=False),
        sa.Column("case_version", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("why", sa.String(length=32), nullable=False),
        sa.Column("judged", sa.Boolean(), nullable=False),
        sa.Column("addresses", sa.Integer(), nullable=False),
        sa.Column("changed", sa.Integer(), nullable=False),
        sa.Column("is_high_profile", sa.Boolean(), nullable=False),
        sa.Column("evidence_at", WHEN, nullable=True),
        sa.Column("evidence_sha256", sa.String(length=64), nullable=False),
        sa.Column("frozen", JSON, nullable=True),
        sa.Column("facts", JSON, nullable=True),
        sa.Column("decision_id", ID, nullable=True),
        sa.ForeignKeyConstraint(["bulk_id"], ["bulk_actions.id"], name=op.f("fk_bulk_items_bulk_id")),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_bulk_items_case_id")),
        sa.ForeignKeyConstraint(["decision_id"], ["decisions.id"], name=op.f("fk_bulk_items_decision_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_bulk_items")),
        sa.UniqueConstraint("bulk_id", "case_id", name=op.f("uq_bulk_items_bulk_id_case_id")),
    )
    op.create_index("ix_bulk_items_bulk_id", "bulk_items", ["bulk_id", "state", "position"], unique=False)
    op.create_index("ix_bulk_items_case_id", "bulk_items", ["case_id"], unique=False)
    op.create_table(
        "bulk_addresses",
        sa.Column("bulk_id", ID, nullable=False),
        sa.Column("address_id", ID, nullable=False),
        sa.Column("item_id", ID, nullable=False),
        sa.Column("account_id", ID, nullable=False),
        sa.Column("source_id", ID, nullable=False),
        sa.Column("is_high_profile", sa.Boolean(), nullable=False),
        sa.Column("is_chosen", sa.Boolean(), nullable=False),
        sa.Column("verified_at", WHEN, nullable=True),
        sa.Column("state_token", sa.String(length=255), nullable=True),
        sa.Column("judged", JSON, nullable=True),
        sa.ForeignKeyConstraint(["bulk_id"], ["bulk_actions.id"], name=op.f("fk_bulk_addresses_bulk_id")),
        sa.ForeignKeyConstraint(["address_id"], ["addresses.id"], name=op.f("fk_bulk_addresses_address_id")),
        sa.ForeignKeyConstraint(["item_id"], ["bulk_items.id"], name=op.f("fk_bulk_addresses_item_id")),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name=op.f("fk_bulk_addresses_account_id")),
        sa.ForeignKeyConstraint(["source_id"], ["sources.id"], name=op.f("fk_bulk_addresses_source_id")),
        sa.PrimaryKeyConstraint("bulk_id", "address_id", name=op.f("pk_bulk_addresses")),
    )
    op.create_index("ix_bulk_addresses_item_id", "bulk_addresses", ["item_id"], unique=False)
    op.create_index("ix_bulk_addresses_account_id", "bulk_addresses", ["bulk_id", "account_id"], unique=False)
    _add_columns()


def _add_columns() -> None:
    """Columns that are empty everywhere are added in place, with their references: SQLite need not rebuild a table."""
    kind = "INTEGER" if op.get_bind().dialect.name == "sqlite" else "BIGINT"
    for table, column, other in COLUMNS:
        name = f"fk_{table}_{column}"
        op.execute(f"ALTER TABLE {table} ADD COLUMN {column} {kind} CONSTRAINT {name} REFERENCES {other} (id)")
    for table, column in TIMES:
        op.add_column(table, sa.Column(column, WHEN, nullable=True))
    for table, column in (("decisions", "bulk_id"), ("unverifications", "reverts_id")):
        op.create_index(
            f"ix_{table}_{column}",
            table,
            [column],
            unique=False,
            postgresql_where=sa.text(f"{column} IS NOT NULL"),
            sqlite_where=sa.text(f"{column} IS NOT NULL"),
        )


def downgrade() -> None:
    op.drop_index("ix_unverifications_reverts_id", table_name="unverifications")
    op.drop_index("ix_decisions_bulk_id", table_name="decisions")
    for table, column in reversed(TIMES):
        op.drop_column(table, column)
    for table, column, _other in reversed(COLUMNS):
        op.execute(f"ALTER TABLE {table} DROP COLUMN {column}")
    op.drop_table("bulk_addresses")
    op.drop_table("bulk_items")
    op.drop_table("bulk_actions")
