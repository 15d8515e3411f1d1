"""The allow-list and reveals"""

from alembic import op
import sqlalchemy as sa


revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
NAME = sa.String(length=253).with_variant(sa.String(length=253, collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "allow_list_entries",
        sa.Column("id", BIG, nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("value", NAME, nullable=False),
        sa.Column("domain", NAME, nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("created_by", BIG, nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("hits", sa.BigInteger(), nullable=False),
        sa.Column("last_hit_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_by", BIG, nullable=True),
        sa.Column("ended_how", sa.String(length=16), nullable=True),
        sa.Column("ended_reason", sa.Text(), nullable=True),
        sa.Column("settled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("settled_through", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["created_by"], ["staff.id"], name=op.f("fk_allow_list_entries_created_by")),
        sa.ForeignKeyConstraint(["ended_by"], ["staff.id"], name=op.f("fk_allow_list_entries_ended_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_allow_list_entries")),
    )
    op.create_index("ix_allow_list_entries_domain", "allow_list_entries", ["domain"], unique=False)
    live = sa.text("ended_at IS NULL OR kind = 'preset'")
    op.create_index(
        "uq_allow_list_entries_live",
        "allow_list_entries",
        ["kind", "value"],
        unique=True,
        postgresql_where=live,
        sqlite_where=live,
    )
    unsettled = sa.text("settled_at IS NULL")
    op.create_index(
        "ix_allow_list_entries_unsettled",
        "allow_list_entries",
        ["id"],
        unique=False,
        postgresql_where=unsettled,
        sqlite_where=unsettled,
    )
    op.create_table(
        "reveals",
        sa.Column("id", BIG, nullable=False),
        sa.Column("staff_id", BIG, nullable=False),
        sa.Column("address_id", BIG, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("reason_code", sa.String(length=32), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["address_id"], ["addresses.id"], name=op.f("fk_reveals_address_id")),
        sa.ForeignKeyConstraint(["staff_id"], ["staff.id"], name=op.f("fk_reveals_staff_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reveals")),
    )
    op.create_index("ix_reveals_staff_id_at", "reveals", ["staff_id", "at"], unique=False)
    # A column that is empty everywhere is added in place, with its reference: SQLite need not rebuild the table.
    kind = "INTEGER" if op.get_bind().dialect.name == "sqlite" else "BIGINT"
    op.execute(
        f"ALTER TABLE cases ADD COLUMN allow_entry_id {kind}"
        " CONSTRAINT fk_cases_allow_entry_id REFERENCES allow_list_entries (id)"
    )
    closed = sa.text("allow_entry_id IS NOT NULL")
    op.create_index(
        "ix_cases_allowed",
        "cases",
        ["allow_entry_id"],
        unique=False,
        postgresql_where=closed,
        sqlite_where=closed,
    )


def downgrade() -> None:
    op.drop_index("ix_cases_allowed", table_name="cases")
    op.execute("ALTER TABLE cases DROP COLUMN allow_entry_id")
    op.drop_table("reveals")
    op.drop_table("allow_list_entries")
