"""Claims, saved views, skips, snoozes"""

from alembic import op
import sqlalchemy as sa


revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

OPEN = sa.text("state = 'open'")
WAITING = sa.text("wake_at IS NOT NULL")
BigId = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "claims",
        sa.Column("case_id", BigId, nullable=False),
        sa.Column("staff_id", BigId, nullable=False),
        sa.Column("claimed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_claims_case_id")),
        sa.ForeignKeyConstraint(["staff_id"], ["staff.id"], name=op.f("fk_claims_staff_id")),
        sa.PrimaryKeyConstraint("case_id", name=op.f("pk_claims")),
    )
    op.create_index("ix_claims_staff_id", "claims", ["staff_id", "expires_at"], unique=False)
    op.create_table(
        "set_asides",
        sa.Column("id", BigId, nullable=False),
        sa.Column("case_id", BigId, nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("staff_id", BigId, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_how", sa.String(length=16), nullable=True),
        sa.Column("ended_by", BigId, nullable=True),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_set_asides_case_id")),
        sa.ForeignKeyConstraint(["ended_by"], ["staff.id"], name=op.f("fk_set_asides_ended_by")),
        sa.ForeignKeyConstraint(["staff_id"], ["staff.id"], name=op.f("fk_set_asides_staff_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_set_asides")),
    )
    op.create_index("ix_set_asides_case_id", "set_asides", ["case_id"], unique=False)
    op.create_table(
        "case_skips",
        sa.Column("staff_id", BigId, nullable=False),
        sa.Column("case_id", BigId, nullable=False),
        sa.Column("phase", sa.String(length=32), nullable=False),
        sa.Column("holder_change", sa.String(length=32), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_case_skips_case_id")),
        sa.ForeignKeyConstraint(["staff_id"], ["staff.id"], name=op.f("fk_case_skips_staff_id")),
        sa.PrimaryKeyConstraint("staff_id", "case_id", name=op.f("pk_case_skips")),
    )
    op.create_table(
        "saved_views",
        sa.Column("id", BigId, nullable=False),
        sa.Column("staff_id", BigId, nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("query", sa.String(length=1000), nullable=False),
        sa.Column("shared", sa.Boolean(), nullable=False),
        sa.Column("default_role", sa.String(length=16), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["staff_id"], ["staff.id"], name=op.f("fk_saved_views_staff_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_saved_views")),
    )
    op.create_index("ix_saved_views_staff_id", "saved_views", ["staff_id"], unique=False)
    op.create_index(
        "uq_saved_views_default_role",
        "saved_views",
        ["default_role"],
        unique=True,
        postgresql_where=sa.text("default_role IS NOT NULL"),
        sqlite_where=sa.text("default_role IS NOT NULL"),
    )
    _columns(op.get_bind().dialect.name)
    op.create_index("ix_cases_open_drop", "cases", ["drop_at", "id"], postgresql_where=OPEN, sqlite_where=OPEN)
    op.create_index("ix_cases_open_age", "cases", ["opened_at", "id"], postgresql_where=OPEN, sqlite_where=OPEN)
    op.create_index("ix_cases_open_addresses", "cases", ["addresses", "id"], postgresql_where=OPEN, sqlite_where=OPEN)
    for state in ("snoozed", "escalated"):
        here = sa.text(f"state = '{state}'")
        op.create_index(f"ix_cases_{state}", "cases", ["risk", "id"], postgresql_where=here, sqlite_where=here)
    op.create_index("ix_packages_name", "packages", ["name"])
    op.create_index("ix_cases_wake_at", "cases", ["wake_at"], postgresql_where=WAITING, sqlite_where=WAITING)


def _columns(dialect: str) -> None:
    """Add columns in place: SQLite need not rebuild a table for one that is empty or has a default."""
    op.execute(f"ALTER TABLE cases ADD COLUMN wake_at {'DATETIME' if dialect == 'sqlite' else 'TIMESTAMP WITH TIME ZONE'}")
    op.execute("ALTER TABLE cases ADD COLUMN tld VARCHAR(63)")
    op.execute("ALTER TABLE staff ADD COLUMN shortcuts BOOLEAN DEFAULT (true) NOT NULL")
    # The last label: whatever is not a dot is trimmed off the end, and what is left is how long the rest is.
    op.execute(
        "UPDATE cases SET tld = (SELECT substr(d.name, length(rtrim(d.name, replace(d.name, '.', ''))) + 1)"
        " FROM domains d WHERE d.id = cases.domain_id)"
    )


def downgrade() -> None:
    for name in ("wake_at", "escalated", "snoozed", "open_addresses", "open_age", "open_drop"):
        op.drop_index(f"ix_cases_{name}", table_name="cases")
    op.drop_index("ix_packages_name", table_name="packages")
    op.execute("ALTER TABLE staff DROP COLUMN shortcuts")
    op.execute("ALTER TABLE cases DROP COLUMN tld")
    op.execute("ALTER TABLE cases DROP COLUMN wake_at")
    for table in ("saved_views", "case_skips", "set_asides", "claims"):
        op.drop_table(table)
