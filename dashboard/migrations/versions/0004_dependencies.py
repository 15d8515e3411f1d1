"""Domains that others rely on"""

from alembic import op
import sqlalchemy as sa


revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

BIG_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "dependencies",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("domain_id", BIG_ID, nullable=False),
        sa.Column("kind", sa.String(length=2), nullable=False),
        sa.Column("depends_on_id", BIG_ID, nullable=False),
        sa.Column("first_seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_seen_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["domain_id"], ["domains.id"], name=op.f("fk_dependencies_domain_id")),
        sa.ForeignKeyConstraint(["depends_on_id"], ["domains.id"], name=op.f("fk_dependencies_depends_on_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_dependencies")),
        sa.UniqueConstraint("domain_id", "kind", "depends_on_id", name=op.f("uq_dependencies_domain_id_kind_depends_on_id")),
    )
    op.create_index(
        "ix_dependencies_relied_on",
        "dependencies",
        ["depends_on_id", "domain_id"],
        unique=False,
        postgresql_where=sa.text("last_seen_at IS NULL"),
        sqlite_where=sa.text("last_seen_at IS NULL"),
    )
    op.create_table(
        "dependency_lapses",
        sa.Column("domain_id", BIG_ID, nullable=False),
        sa.Column("phase", sa.String(length=32), nullable=False),
        sa.Column("holder_change", sa.String(length=32), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("cleared_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("spread_after", BIG_ID, nullable=True),
        sa.Column("revision", sa.Integer(), server_default=sa.text("1"), nullable=False),
        sa.ForeignKeyConstraint(["domain_id"], ["domains.id"], name=op.f("fk_dependency_lapses_domain_id")),
        sa.PrimaryKeyConstraint("domain_id", name=op.f("pk_dependency_lapses")),
    )
    op.create_index(
        "ix_dependency_lapses_spreading",
        "dependency_lapses",
        ["domain_id"],
        unique=False,
        postgresql_where=sa.text("spread_after IS NOT NULL"),
        sqlite_where=sa.text("spread_after IS NOT NULL"),
    )


def downgrade() -> None:
    op.drop_table("dependency_lapses")
    op.drop_table("dependencies")
