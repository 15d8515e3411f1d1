"""Early warnings and reports of takeovers"""

from alembic import op
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql


revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

QUEUED, RUNNING = sa.text("state = 'queued'"), sa.text("ended_at IS NULL")


def _id() -> sa.BigInteger:
    return sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def _json() -> sa.JSON:
    return sa.JSON().with_variant(postgresql.JSONB(), "postgresql")


def _reference(table: str, column: str, to: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [f"{to}.id"], name=op.f(f"fk_{table}_{column}"))


def upgrade() -> None:
    op.create_table(
        "early_warnings",
        sa.Column("id", _id(), nullable=False),
        sa.Column("domain_id", _id(), nullable=False),
        sa.Column("why", sa.String(length=32), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("began_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_how", sa.String(length=16), nullable=True),
        _reference("early_warnings", "domain_id", "domains"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_early_warnings")),
    )
    op.create_index(
        "uq_early_warnings_running",
        "early_warnings",
        ["domain_id"],
        unique=True,
        postgresql_where=RUNNING,
        sqlite_where=RUNNING,
    )
    op.create_index("ix_early_warnings_domain_id", "early_warnings", ["domain_id"], unique=False)
    op.create_table(
        "takeover_reports",
        sa.Column("id", _id(), nullable=False),
        sa.Column("case_id", _id(), nullable=False),
        sa.Column("staff_id", _id(), nullable=False),
        sa.Column("reported_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("case_version", sa.Integer(), nullable=False),
        sa.Column("frozen", _json(), nullable=False),
        _reference("takeover_reports", "case_id", "cases"),
        _reference("takeover_reports", "staff_id", "staff"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_takeover_reports")),
    )
    op.create_index("ix_takeover_reports_case_id", "takeover_reports", ["case_id"], unique=False)
    op.create_table(
        "notices",
        sa.Column("id", _id(), nullable=False),
        sa.Column("public_id", sa.String(length=32), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("warning_id", _id(), nullable=True),
        sa.Column("report_id", _id(), nullable=True),
        sa.Column("address_id", _id(), nullable=False),
        sa.Column("source_id", _id(), nullable=False),
        sa.Column("domain_id", _id(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=True),
        sa.Column("judged", _json(), nullable=False),
        sa.Column("reason", sa.String(length=64), nullable=False),
        sa.Column("raised_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("published_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("settled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("settled_why", sa.Text(), nullable=True),
        _reference("notices", "warning_id", "early_warnings"),
        _reference("notices", "report_id", "takeover_reports"),
        _reference("notices", "address_id", "addresses"),
        _reference("notices", "source_id", "sources"),
        _reference("notices", "domain_id", "domains"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notices")),
        sa.UniqueConstraint("public_id", name=op.f("uq_notices_public_id")),
        sa.UniqueConstraint("source_id", "seq", name=op.f("uq_notices_source_id_seq")),
        sa.UniqueConstraint("address_id", "warning_id", name=op.f("uq_notices_address_id_warning_id")),
        sa.UniqueConstraint("address_id", "report_id", name=op.f("uq_notices_address_id_report_id")),
    )
    op.create_index("ix_notices_warning_id", "notices", ["warning_id"], unique=False)
    op.create_index("ix_notices_report_id", "notices", ["report_id"], unique=False)
    op.create_index(
        "ix_notices_source_id_kind_raised_at", "notices", ["source_id", "kind", "raised_at"], unique=False
    )
    op.create_index(
        "ix_notices_queued", "notices", ["id"], unique=False, postgresql_where=QUEUED, sqlite_where=QUEUED
    )


def downgrade() -> None:
    op.drop_table("notices")
    op.drop_table("takeover_reports")
    op.drop_table("early_warnings")
