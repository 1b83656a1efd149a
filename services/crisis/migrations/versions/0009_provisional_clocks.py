"""Every promise that rests on a calendar not yet published is found when it is: those of the contract, too."""

from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # Only what seldom changes stands in the condition: see 0004, whose index held the limits by law alone.
    op.execute("create index clock_provisional on clock (case_id) where provisional")
    op.execute("drop index clock_provisional_by_law")
