"""Customers, cases, matters, clocks, timelines, escalations, and what became of each trigger event."""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

# Columns that hold lists or objects are jsonb throughout, so that rows can be updated in sets with unnest.
_TABLES = """
create table customer (
    id text primary key,
    version bigint not null,
    name text,
    segment text,
    region text,
    account_manager text,
    service_class text not null,
    class_source text not null,
    revenue_currency text,
    revenue_at_least numeric,
    risk_flags jsonb not null,
    history jsonb not null,
    updated_at timestamptz not null
) with (fillfactor = 80);

create sequence case_number;

create table crisis_case (
    id text primary key,
    number text not null,
    customer_id text not null,
    type text not null,
    title text not null,
    severity text not null check (severity in ('S1', 'S2', 'S3', 'S4')),
    computed_severity text not null,
    explanation jsonb not null,
    stage text not null,
    status text not null check (status in ('open', 'closed', 'dismissed', 'merged')),
    service_class text not null,
    provisional boolean not null,
    impact text not null,
    is_public boolean not null,
    opened_at timestamptz not null,
    version bigint not null,
    policy text not null,
    escalation_policy text not null,
    rule text,
    responsibility text,
    assessment jsonb,
    trend text,
    owner text,
    acknowledged_at timestamptz,
    resolved_at timestamptz,
    closed_at timestamptz,
    outcome text,
    reopened_count integer not null,
    earlier_cases integer not null,
    previous_case_id text,
    drill boolean not null,
    timeline_seq bigint not null,
    timeline_hash text not null,
    next_clock_at timestamptz
) with (fillfactor = 70);
create unique index crisis_case_one_open on crisis_case (customer_id) where status = 'open';
create index crisis_case_by_customer on crisis_case (customer_id, opened_at);
create index crisis_case_by_opening on crisis_case (opened_at, id);
create index crisis_case_by_rule on crisis_case (rule, opened_at) where rule is not null;
create unique index crisis_case_number on crisis_case (number);

create table matter (
    id text primary key,
    case_id text not null,
    customer_id text not null,
    type text not null,
    reference text,
    dedup text not null,
    title text not null,
    status text not null check (status in ('open', 'resolved', 'withdrawn', 'dismissed')),
    impact text not null,
    is_public boolean not null,
    received_at timestamptz not null,
    opened_at timestamptz not null,
    regulated text,
    complained_about text,
    category text,
    remedy_sought text,
    resolved_at timestamptz,
    resolution text,
    acknowledged_at timestamptz
) with (fillfactor = 80);
create index matter_by_customer on matter (customer_id, case_id);

create table clock (
    id text primary key,
    case_id text not null,
    matter_id text,
    customer_id text not null,
    target text not null,
    pin text not null,
    policy text not null,
    recorded integer not null,
    told jsonb not null,
    cycle integer not null,
    stage text not null,
    result text not null,
    has_breached boolean not null,
    breach_cause text,
    started_at timestamptz not null,
    due_at timestamptz,
    due_if_resumed_now timestamptz not null,
    provisional boolean not null,
    breached_at timestamptz,
    stopped_at timestamptz,
    elapsed_seconds double precision not null,
    paused_seconds double precision not null,
    closed_seconds double precision not null,
    calendar text,
    statutory boolean not null,
    warnings integer not null,
    next_at timestamptz,
    constraint clock_once unique nulls not distinct (case_id, matter_id, target)
) with (fillfactor = 70);

-- Append-only: the fold over these rows is the truth about a clock, the row in `clock` only what it said last.
create table clock_event (
    clock_id text not null,
    seq integer not null,
    type text not null,
    at timestamptz not null,
    recorded_at timestamptz not null,
    actor text not null,
    cause text,
    pin text,
    detail jsonb,
    primary key (clock_id, seq)
);

create table timeline (
    case_id text not null,
    seq bigint not null,
    at timestamptz not null,
    recorded_at timestamptz not null,
    kind text not null,
    actor text not null,
    summary text,
    data jsonb,
    salt text,
    digest text not null,
    previous_hash text not null,
    hash text not null,
    primary key (case_id, seq)
);

create table escalation_run (
    case_id text primary key,
    id text not null,
    state text not null check (state in ('waiting', 'acknowledged', 'ended')),
    level integer not null,
    step integer not null,
    repeat integer not null,
    started_at timestamptz not null,
    raised_at timestamptz not null,
    next_at timestamptz,
    reason text not null,
    about jsonb not null
) with (fillfactor = 70);

-- Every trigger event ends in exactly one case or one mute record, or waits for a person as a candidate. Kept for ever:
-- it is what makes a redelivered event harmless.
create table trigger_event (
    source text not null,
    event_id text not null,
    type text not null,
    customer_id text not null,
    at timestamptz not null,
    recorded_at timestamptz not null,
    summary text not null,
    outcome text not null check (outcome in ('opened', 'joined', 'amended', 'candidate', 'muted')),
    case_id text,
    matter_id text,
    rule text,
    rule_version integer,
    reason text,
    primary key (source, event_id),
    constraint trigger_event_ends_once check (
        case outcome when 'candidate' then case_id is null when 'muted' then case_id is null and reason is not null
        else case_id is not null end)
);
create index trigger_event_by_customer on trigger_event (customer_id, at);
create index trigger_event_muted on trigger_event (recorded_at, source, event_id) where outcome = 'muted';

create table candidate (
    id text primary key,
    source text not null,
    event_id text not null,
    customer_id text not null,
    rule text not null,
    rule_version integer not null,
    event jsonb not null,
    state text not null check (state in ('waiting', 'confirmed', 'rejected')),
    created_at timestamptz not null,
    decided_at timestamptz,
    decided_by text,
    reason text,
    unique (source, event_id)
);
create index candidate_waiting on candidate (created_at, id) where state = 'waiting';

create table tripped_breaker (
    rule text primary key,
    tripped_at timestamptz not null
);
"""


def upgrade() -> None:
    # One statement at a time: the driver prepares each.
    for statement in _TABLES.split(";\n"):
        if statement.strip():
            op.execute(statement)
