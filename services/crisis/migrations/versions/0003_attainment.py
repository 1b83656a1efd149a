"""Results of cycles that came before a clock's present one, and what reports over a period look up."""

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_STATEMENTS = """
-- What the fold said of each ended cycle before the present one; `clock` holds the present one.
create table past_cycle (
    clock_id text not null,
    cycle integer not null,
    policy text not null,
    result text not null,
    has_breached boolean not null,
    breached_at timestamptz,
    started_at timestamptz not null,
    due_at timestamptz not null,
    stopped_at timestamptz not null,
    elapsed_seconds double precision not null,
    paused_seconds double precision not null,
    closed_seconds double precision not null,
    statutory boolean not null,
    primary key (clock_id, cycle)
);
create index past_cycle_by_due on past_cycle (due_at);

-- While a pause moves it, the due instant is the one that it would have if it were resumed.
create index clock_by_due on clock ((coalesce(due_at, due_if_resumed_now)));

create index matter_by_resolution on matter (resolved_at) where resolved_at is not null;
"""


def upgrade() -> None:
    # One statement at a time: the driver prepares each.
    for statement in _STATEMENTS.split(";\n"):
        if statement.strip():
            op.execute(statement)
