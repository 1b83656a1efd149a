"""Indexes for lists that people ask for, of tables that keep everything: cases of an owner, candidates of a state."""

from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

_STATEMENTS = """
create index crisis_case_by_owner on crisis_case (owner, opened_at, id) where owner is not null;
create index candidate_by_state on candidate (state, created_at, id);
drop index candidate_waiting;
"""


def upgrade() -> None:
    # One statement at a time: the driver prepares each.
    for statement in _STATEMENTS.split(";\n"):
        if statement.strip():
            op.execute(statement)
