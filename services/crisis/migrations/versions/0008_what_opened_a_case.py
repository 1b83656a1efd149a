"""What opened a case, as far as documents may ask for it: the customer's segment, the channel, the regime."""

from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

_STATEMENTS = """
alter table crisis_case add column segment text, add column channel text, add column regime text;

-- Cases from before: the regime is that of their first matter; segment and channel asked nothing of them then.
update crisis_case set regime = (
    select regulated from matter where case_id = crisis_case.id order by matter.id limit 1
) where status = 'open';
"""


def upgrade() -> None:
    # One statement at a time: the driver prepares each.
    for statement in _STATEMENTS.split(";\n"):
        if statement.strip():
            op.execute(statement)
