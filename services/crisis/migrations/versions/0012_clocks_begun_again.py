"""A promise that was cancelled may be owed again later in the same case: by another clock, the next of its kind."""

from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

_STATEMENTS = """
alter table clock add column round integer not null default 1;
drop index clock_once;
create unique index clock_once on clock
    (case_id, matter_id, target, round, (case when target like 'task:%' then id else '' end)) nulls not distinct;
"""


def upgrade() -> None:
    # One statement at a time: the driver prepares each.
    for statement in _STATEMENTS.split(";\n"):
        if statement.strip():
            op.execute(statement)
