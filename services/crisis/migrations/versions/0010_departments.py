"""Departments that owe what was promised, and tasks, which a case may have again."""

from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

_STATEMENTS = """
alter table clock add column department text;
alter table past_cycle add column department text;

-- A task that has ended may be started again, as a clock of its own; every other target has one clock for each owner.
alter table clock drop constraint clock_once;
create unique index clock_once on clock
    (case_id, matter_id, target, (case when target like 'task:%' then id else '' end)) nulls not distinct;
"""


def upgrade() -> None:
    # One statement at a time: the driver prepares each.
    for statement in _STATEMENTS.split(";\n"):
        if statement.strip():
            op.execute(statement)
