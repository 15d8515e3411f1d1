"""The daily DNS sweep, who is asked first, and when a check was last complete"""

from alembic import op
import sqlalchemy as sa


revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "sweeps",
        sa.Column("domain_id", ID, autoincrement=False, nullable=False),
        sa.Column("next_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("swept_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("seen", sa.String(length=128), server_default="", nullable=False),
        sa.Column("failures", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("batch_id", ID, nullable=True),
        sa.Column("leased_until", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["domain_id"], ["domains.id"], name=op.f("fk_sweeps_domain_id")),
        sa.PrimaryKeyConstraint("domain_id", name=op.f("pk_sweeps")),
    )
    op.create_index("ix_sweeps_next_at", "sweeps", ["next_at", "domain_id"], unique=False)
    op.create_index(
        "ix_sweeps_batch_id",
        "sweeps",
        ["batch_id"],
        unique=False,
        postgresql_where=sa.text("batch_id IS NOT NULL"),
        sqlite_where=sa.text("batch_id IS NOT NULL"),
    )
    op.create_table(
        "sweep_batches",
        sa.Column("id", ID, nullable=False),
        sa.Column("claimed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("swept_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("answered", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("failed", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("changed", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("triggered", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("held", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sweep_batches")),
    )
    op.create_index("ix_sweep_batches_swept_at", "sweep_batches", ["swept_at"], unique=False)
    op.add_column("domains", sa.Column("urgent", sa.Boolean(), server_default=sa.false(), nullable=False))
    op.add_column("domains", sa.Column("completed_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("domains", sa.Column("completion_due_at", sa.DateTime(timezone=True), nullable=True))
    op.execute("UPDATE domains SET completed_at = last_checked_at WHERE failures = 0")
    op.create_index(
        "ix_domains_urgent",
        "domains",
        ["next_check_at", "id"],
        unique=False,
        postgresql_where=sa.text("urgent"),
        sqlite_where=sa.text("urgent = 1"),
    )
    op.create_index(
        "ix_domains_failing",
        "domains",
        ["id"],
        unique=False,
        postgresql_where=sa.text("failures > 0"),
        sqlite_where=sa.text("failures > 0"),
    )


def downgrade() -> None:
    op.drop_index("ix_domains_failing", table_name="domains")
    op.drop_index("ix_domains_urgent", table_name="domains")
    op.drop_column("domains", "completion_due_at")
    op.drop_column("domains", "completed_at")
    op.drop_column("domains", "urgent")
    op.drop_table("sweep_batches")
    op.drop_table("sweeps")
