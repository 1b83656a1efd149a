"""Directory, projections of customers and cases, messages, deliveries and their attempts."""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_DIRECTORY = """
create table person (
    id text primary key,
    name text not null,
    locale text not null,
    zone text not null,
    manager text,
    deputy text,
    away_from timestamptz,
    away_until timestamptz,
    active boolean not null,
    revision integer not null default 1,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    check (away_until is null or away_from is null or away_from < away_until)
);
create table team (
    id text primary key,
    name text not null,
    revision integer not null default 1,
    created_at timestamptz not null,
    updated_at timestamptz not null
);
create table team_member (
    team_id text not null references team on delete cascade,
    person_id text not null references person on delete cascade,
    position integer not null,
    primary key (team_id, person_id)
);
create index team_member_person on team_member (person_id);
create table contact_point (
    id text primary key,
    owner text not null,
    channel text not null,
    address text not null,
    secret bytea,
    previous_secret bytea,
    position integer not null default 0,
    verified_at timestamptz,
    healthy boolean not null default true,
    unhealthy_since timestamptz,
    last_problem text,
    revision integer not null default 1,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    constraint contact_point_once unique (owner, channel, address)
);
create table contact_rule (
    person_id text not null references person on delete cascade,
    urgency text not null,
    channels text[] not null,
    revision integer not null default 1,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    primary key (person_id, urgency)
);
create table role_assignment (
    customer_id text not null,
    role text not null,
    person_id text references person,
    team_id text references team,
    revision integer not null default 1,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    primary key (customer_id, role),
    check (num_nonnulls(person_id, team_id) = 1)
);
create index role_assignment_person on role_assignment (person_id);
"""

_PROJECTIONS = """
create table customer (
    id text primary key,
    name text,
    account_manager text,
    service_class text not null,
    segment text,
    region text,
    merged_into text,
    version bigint not null,
    updated_at timestamptz not null
);
create table standing (
    kind text not null,
    id text not null,
    case_id text not null,
    ended boolean not null,
    acknowledged_at timestamptz,
    step integer not null,
    step_at timestamptz,
    sequence bigint not null,
    updated_at timestamptz not null,
    primary key (kind, id),
    check (kind in ('case', 'matter', 'clock', 'escalation'))
) with (fillfactor = 85);
create index standing_case on standing (case_id);
"""

# Instants named *_at are business time; those named *_wall are real time (retries, leases, attempts).
_MESSAGES = """
create table message (
    id text primary key,
    event_id text not null,
    event_type text not null,
    rule text not null,
    route text not null,
    route_version integer not null,
    subject text not null,
    customer_id text,
    case_id text,
    matter_id text,
    clock_id text,
    escalation_id text,
    escalation_step integer,
    audience text not null,
    urgency text not null,
    template text not null,
    template_version integer,
    asks_acknowledgement boolean not null,
    conditions text[] not null,
    variables jsonb not null,
    explanation jsonb not null,
    state text not null,
    reason text,
    happened_at timestamptz not null,
    created_at timestamptz not null,
    created_wall timestamptz not null,
    ended_at timestamptz,
    acknowledged_at timestamptz,
    acknowledged_by text,
    acknowledged_means text,
    constraint message_once unique (event_id, rule),
    check (state in ('pending', 'sent', 'acknowledged', 'undeliverable', 'obsolete', 'suppressed', 'unknown'))
) with (fillfactor = 80);
create index message_case on message (case_id, id);
create index message_customer on message (customer_id, id);
create index message_state on message (state, id);
create table delivery (
    id text primary key,
    message_id text not null references message,
    event_id text not null,
    rule text not null,
    recipient text not null,
    channel text not null,
    step integer not null,
    person text,
    subject text not null,
    lane text not null,
    rank smallint not null,
    channels text[] not null,
    contact_point text,
    masked_address text,
    state text not null,
    reason text,
    attempts smallint not null default 0,
    last_outcome text,
    last_detail text,
    reference text,
    explanation jsonb not null,
    created_at timestamptz not null,
    created_wall timestamptz not null,
    due_at timestamptz not null,
    expires_at timestamptz not null,
    retry_wall timestamptz,
    lease_wall timestamptz,
    lease text,
    ended_at timestamptz,
    ended_wall timestamptz,
    constraint delivery_once unique (event_id, rule, recipient, channel, step),
    check (state in ('pending', 'sending', 'accepted', 'delivered', 'read', 'failed', 'unknown', 'obsolete',
                     'suppressed'))
) with (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.02);
create index delivery_due on delivery (rank, due_at, id) where state = 'pending';
create index delivery_leased on delivery (lease_wall) where state = 'sending';
create index delivery_lane on delivery (lane) where state in ('pending', 'sending');
create index delivery_message on delivery (message_id);
create index delivery_person on delivery (person, id);
create table attempt (
    id bigint generated always as identity primary key,
    delivery_id text not null references delivery,
    number smallint not null,
    contact_point text,
    started_wall timestamptz not null,
    ended_wall timestamptz not null,
    outcome text not null,
    detail text not null,
    reference text
);
create index attempt_delivery on attempt (delivery_id, number);
create table acknowledgement (
    message_id text not null references message,
    person text not null,
    delivery_id text references delivery,
    means text not null,
    acknowledged_at timestamptz not null,
    acknowledged_wall timestamptz not null,
    primary key (message_id, person)
);
"""


def upgrade() -> None:
    for script in (_DIRECTORY, _PROJECTIONS, _MESSAGES):
        for statement in filter(str.strip, script.split(";\n")):
            op.execute(statement)
