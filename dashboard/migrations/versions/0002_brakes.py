"""Brakes, the counts they measure, held cases, and un-verifications that wait for a fresh check"""

from alembic import op
import sqlalchemy as sa


revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "brakes",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("scope", sa.String(length=16), nullable=False),
        sa.Column("provider", sa.String(length=16), nullable=False),
        sa.Column("tld", sa.String(length=63), nullable=False),
        sa.Column("mode", sa.String(length=16), nullable=False),
        sa.Column("lapsed", sa.Integer(), nullable=False),
        sa.Column("checked", sa.Integer(), nullable=False),
        sa.Column("limit_per_mille", sa.Integer(), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("released_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("released_by", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("released_how", sa.String(length=16), nullable=True),
        sa.ForeignKeyConstraint(["released_by"], ["staff.id"], name=op.f("fk_brakes_released_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_brakes")),
    )
    op.create_index(
        "uq_brakes_on",
        "brakes",
        ["provider", "tld"],
        unique=True,
        postgresql_where=sa.text("released_at IS NULL"),
        sqlite_where=sa.text("released_at IS NULL"),
    )
    op.create_table(
        "lapse_counts",
        sa.Column("hour", sa.DateTime(timezone=True), nullable=False),
        sa.Column("provider", sa.String(length=16), nullable=False),
        sa.Column("tld", sa.String(length=63), nullable=False),
        sa.Column("checked", sa.Integer(), nullable=False),
        sa.Column("lapsed", sa.Integer(), nullable=False),
        sa.Column("accepted", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("hour", "provider", "tld", name=op.f("pk_lapse_counts")),
    )
    # A column that is empty everywhere is added in place, with its reference: SQLite need not rebuild the table.
    kind = "INTEGER" if op.get_bind().dialect.name == "sqlite" else "BIGINT"
    op.execute(f"ALTER TABLE cases ADD COLUMN brake_id {kind} CONSTRAINT fk_cases_brake_id REFERENCES brakes (id)")
    op.create_index(
        "ix_cases_held",
        "cases",
        ["brake_id"],
        unique=False,
        postgresql_where=sa.text("brake_id IS NOT NULL"),
        sqlite_where=sa.text("brake_id IS NOT NULL"),
    )
    op.create_index(
        "ix_unverifications_rechecking",
        "unverifications",
        ["id"],
        unique=False,
        postgresql_where=sa.text("state = 'rechecking'"),
        sqlite_where=sa.text("state = 'rechecking'"),
    )


def downgrade() -> None:
    op.drop_index("ix_unverifications_rechecking", table_name="unverifications")
    op.drop_index("ix_cases_held", table_name="cases")
    op.execute("ALTER TABLE cases DROP COLUMN brake_id")
    op.drop_table("lapse_counts")
    op.drop_table("brakes")
