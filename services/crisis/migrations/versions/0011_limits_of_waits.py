"""The limit of a wait is kept with it, and waits are looked up by when they began."""

from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

_STATEMENTS = """
alter table wait add column limit_at timestamptz;
create index wait_by_beginning on wait (since);
"""


def upgrade() -> None:
    # One statement at a time: the driver prepares each.
    for statement in _STATEMENTS.split(";\n"):
        if statement.strip():
            op.execute(statement)
