"""Policy, in versions; decisions that a policy made instead of a person"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

STAFF_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "policies",
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("values", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("staff_id", STAFF_ID, nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["staff_id"], ["staff.id"], name=op.f("fk_policies_staff_id")),
        sa.PrimaryKeyConstraint("version", name=op.f("pk_policies")),
    )
    # SQLite cannot take NOT NULL from a column: the table is rebuilt there, its rows and ids stay.
    with op.batch_alter_table("decisions") as batch:
        batch.add_column(sa.Column("policy_version", sa.Integer(), nullable=True))
        batch.alter_column("staff_id", existing_type=STAFF_ID, nullable=True)
        batch.create_foreign_key(op.f("fk_decisions_policy_version"), "policies", ["policy_version"], ["version"])
        batch.create_check_constraint(op.f("ck_decisions_decider"), "(staff_id IS NULL) <> (policy_version IS NULL)")
    op.create_index(
        "ix_decisions_automatic",
        "decisions",
        ["decided_at"],
        unique=False,
        postgresql_where=sa.text("policy_version IS NOT NULL"),
        sqlite_where=sa.text("policy_version IS NOT NULL"),
    )
    op.add_column("case_openings", sa.Column("phase", sa.String(length=32), nullable=True))
    op.add_column("case_openings", sa.Column("confidence", sa.String(length=16), nullable=True))
    op.add_column("case_openings", sa.Column("holder_change", sa.String(length=32), nullable=True))
    op.add_column("case_openings", sa.Column("recommended_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("lapse_counts", sa.Column("discarded", sa.Integer(), server_default="0", nullable=False))
    op.create_index(
        "ix_lapse_counts_with_lapses",
        "lapse_counts",
        ["hour"],
        unique=False,
        postgresql_where=sa.text("lapsed + accepted + discarded > 0"),
        sqlite_where=sa.text("lapsed + accepted + discarded > 0"),
    )


def downgrade() -> None:
    op.drop_index("ix_lapse_counts_with_lapses", table_name="lapse_counts")
    op.drop_column("lapse_counts", "discarded")
    for name in ("recommended_at", "holder_change", "confidence", "phase"):
        op.drop_column("case_openings", name)
    op.drop_index("ix_decisions_automatic", table_name="decisions")
    with op.batch_alter_table("decisions") as batch:
        batch.drop_constraint(op.f("ck_decisions_decider"), type_="check")
    # Without versions of the policy its decisions are those of the person who had put it in force.
    op.execute(
        "UPDATE decisions SET staff_id = (SELECT staff_id FROM policies WHERE version = decisions.policy_version)"
        " WHERE staff_id IS NULL"
    )
    with op.batch_alter_table("decisions") as batch:
        batch.drop_constraint(op.f("fk_decisions_policy_version"), type_="foreignkey")
        batch.alter_column("staff_id", existing_type=STAFF_ID, nullable=False)
        batch.drop_column("policy_version")
    op.drop_table("policies")
