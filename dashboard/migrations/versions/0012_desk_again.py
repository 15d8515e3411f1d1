"""Changes of allow-list entries; an index of what was decided in which situation"""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # In place: SQLite need not rebuild the table, from which cases hang.
    op.add_column("allow_list_entries", sa.Column("changed_at", sa.DateTime(timezone=True), nullable=True))
    kind = "BIGINT" if op.get_bind().dialect.name == "postgresql" else "INTEGER"
    name = "fk_allow_list_entries_changed_by"
    op.execute(f"ALTER TABLE allow_list_entries ADD COLUMN changed_by {kind} CONSTRAINT {name} REFERENCES staff (id)")
    op.create_index("ix_decisions_opening_id", "decisions", ["opening_id"], unique=False)
    decided = sa.text("closed_how IN ('approve', 'override')")
    op.create_index(
        "ix_case_openings_decided",
        "case_openings",
        ["phase", "holder_change", "id"],
        unique=False,
        postgresql_where=decided,
        sqlite_where=decided,
    )


def downgrade() -> None:
    op.drop_index("ix_case_openings_decided", table_name="case_openings")
    op.drop_index("ix_decisions_opening_id", table_name="decisions")
    op.execute("ALTER TABLE allow_list_entries DROP COLUMN changed_by")
    op.execute("ALTER TABLE allow_list_entries DROP COLUMN changed_at")
