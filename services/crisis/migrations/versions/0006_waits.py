"""Waits: why a case stands still, who waits for whom, until when, and who approved it."""

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_STATEMENTS = """
create table wait (
    id text primary key,
    case_id text not null,
    customer_id text not null,
    matter_id text,
    reason text not null,
    name jsonb not null,
    who text not null,
    for_whom text not null,
    rules text not null,
    since timestamptz not null,
    ends_at timestamptz not null,
    ends_because text not null,
    by text not null,
    approved_by text,
    recorded_at timestamptz not null,
    ended_at timestamptz,
    ended_by text,
    ended_because text
);
create unique index wait_open on wait (customer_id, case_id, (coalesce(matter_id, '')), reason) where ended_at is null;
create index wait_by_case on wait (case_id);
"""


def upgrade() -> None:
    # One statement at a time: the driver prepares each.
    for statement in _STATEMENTS.split(";\n"):
        if statement.strip():
            op.execute(statement)
