"""Figures of months that are over, indexes to count by, and every checked domain in the DNS sweep"""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
COUNTS = (
    "domains_checked",
    "flagged",
    "approved",
    "overridden",
    "addresses_unverified",
    "stale",
    "rejected",
    "reverted",
    "resets_refused",
    "early_warnings",
    "takeovers_reported",
)
# Checked before there was a sweep: without a place in it, they would wait for their next full check. Their turns lie
# anywhere within the next day. Of a name that was gone from DNS already, the sweep learns nothing new.
ENTER = """
INSERT INTO sweeps (domain_id, next_at, seen, failures)
SELECT d.id, {turn}, CASE WHEN 'not_found' = (
    SELECT {outcome} FROM evidence AS e
    WHERE e.domain_id = d.id AND e.provider = 'dns' ORDER BY e.last_seen_at DESC LIMIT 1
) THEN 'gone' ELSE '' END, 0
FROM domains AS d
WHERE d.last_checked_at IS NOT NULL
ON CONFLICT (domain_id) DO NOTHING
"""
DIALECTS = {
    "postgresql": {
        "turn": "now() + (d.id * 7919 % 86400) * interval '1 second'",
        "outcome": "e.normalised ->> 'outcome'",
    },
    "sqlite": {
        "turn": "strftime('%Y-%m-%d %H:%M:%f000', 'now', (d.id * 7919 % 86400) || ' seconds')",
        "outcome": "json_extract(e.normalised, '$.outcome')",
    },
}


def upgrade() -> None:
    op.create_table(
        "month_figures",
        sa.Column("month", sa.String(length=7), nullable=False),
        sa.Column("source_id", BIG, autoincrement=False, nullable=False),
        *(sa.Column(name, sa.Integer(), nullable=False) for name in COUNTS),
        sa.Column("median_hours_to_decision", sa.Double(), nullable=True),
        sa.Column("frozen_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["source_id"], ["sources.id"], name=op.f("fk_month_figures_source_id")),
        sa.PrimaryKeyConstraint("month", "source_id", name=op.f("pk_month_figures")),
    )
    _index("checks", "checked_at", ["checked_at", "domain_id", "failed"])
    _index("addresses", "domain_id", ["domain_id", "source_id"])
    # Most domains are in no batch: an import need not write that down for each.
    op.drop_index("ix_domains_batch_id", table_name="domains")
    held = sa.text("batch_id IS NOT NULL")
    op.create_index("ix_domains_batch_id", "domains", ["batch_id"], postgresql_where=held, sqlite_where=held)
    op.create_index("ix_unverifications_settled_at", "unverifications", ["settled_at"], unique=False)
    op.create_index("ix_notices_settled_at", "notices", ["settled_at"], unique=False)
    op.execute(ENTER.format(**DIALECTS[op.get_bind().dialect.name]))


def _index(table: str, column: str, columns: list[str]) -> None:
    """Let an index answer what is counted by itself, without the rows."""
    op.drop_index(f"ix_{table}_{column}", table_name=table)
    op.create_index(f"ix_{table}_{column}", table, columns, unique=False)


def downgrade() -> None:
    op.drop_index("ix_notices_settled_at", table_name="notices")
    op.drop_index("ix_unverifications_settled_at", table_name="unverifications")
    op.drop_index("ix_domains_batch_id", table_name="domains")
    op.create_index("ix_domains_batch_id", "domains", ["batch_id"])
    _index("addresses", "domain_id", ["domain_id"])
    _index("checks", "checked_at", ["checked_at"])
    op.drop_table("month_figures")
