"""Cases that went up in others, and customers that turned out to be others."""

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_STATEMENTS = """
alter table crisis_case add column merged_into text;
create index crisis_case_merged_into on crisis_case (merged_into) where merged_into is not null;

-- Flat: `into_id` is nobody's alias.
create table customer_alias (
    id text primary key,
    into_id text not null,
    since timestamptz not null
);
create index customer_alias_into on customer_alias (into_id);
"""


def upgrade() -> None:
    # One statement at a time: the driver prepares each.
    for statement in _STATEMENTS.split(";\n"):
        if statement.strip():
            op.execute(statement)
