"""When crisis wrote down what it said of a clock: what moved to another case goes on under other sequences."""

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("alter table standing add column written_at timestamptz")
