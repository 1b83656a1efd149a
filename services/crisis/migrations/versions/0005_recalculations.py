"""What recalculations found, kept with their jobs, and the results that approved ones superseded, kept for ever."""

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_STATEMENTS = """
-- A cycle that says something else by other versions, or what became of it when that was approved.
create table recalculation_finding (
    job_id text not null references job (id) on delete cascade,
    case_id text not null,
    clock_id text not null,
    cycle integer not null,
    target text not null,
    matter_id text,
    recorded integer not null,
    outcome text not null check (outcome in ('would_change', 'applied', 'moved_on', 'no_change')),
    policy_before text,
    due_before timestamptz,
    held_before boolean,
    breached_before timestamptz,
    result_before text,
    policy_after text,
    due_after timestamptz,
    held_after boolean,
    breached_after timestamptz,
    result_after text,
    primary key (job_id, case_id, clock_id, cycle)
);

-- Append-only: what a clock's cycle said until a recalculation. Reports count `clock` and `past_cycle`, never these.
create table superseded_result (
    case_id text not null,
    clock_id text not null,
    cycle integer not null,
    superseded_by text not null,
    superseded_at timestamptz not null,
    target text not null,
    policy text not null,
    due_at timestamptz not null,
    held boolean not null,
    breached_at timestamptz,
    result text not null,
    primary key (clock_id, cycle, superseded_by)
);
create index superseded_result_by_case on superseded_result (case_id, superseded_at);
"""


def upgrade() -> None:
    # One statement at a time: the driver prepares each.
    for statement in _STATEMENTS.split(";\n"):
        if statement.strip():
            op.execute(statement)
