"""Domains that others rely on"""

from alembic import op  # noqa: F401
import sqlalchemy as sa  # noqa: F401


revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    pass


def downgrade() -> None:
    pass
