"""What the activation of a calendar looks up: limits by law whose due instant was not yet certain."""

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

# Only what seldom changes stands in the condition: stage and breach in it would make every stop and breach of any
# clock rewrite all of its index entries.
_INDEX = "create index clock_provisional_by_law on clock (case_id) where statutory and provisional"


def upgrade() -> None:
    op.execute(_INDEX)
