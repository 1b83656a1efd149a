"""Cases that went up in others: messages about them are about the one that goes on."""

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("alter table standing add column into_case_id text, add column into_number text")
