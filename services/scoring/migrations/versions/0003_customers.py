"""Customers, the tiers they have now and had before."""

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

STATEMENTS = (
    # `field_times` says which event each profile field was taken from, so that order of arrival does not matter.
    # `published` is the last snapshot sent, without what changes at every sending.
    """
    create table customer (
        id text primary key,
        name text,
        search_name text not null default '',
        name_grams text[] not null default '{}',
        segment text,
        region text,
        account_manager text,
        industry text,
        size text,
        since date,
        parent_customer_id text,
        payment_terms_days integer,
        details jsonb not null default '{}',
        field_times jsonb not null default '{}',
        first_seen_at timestamptz not null,
        revision bigint not null default 1,
        service_class text not null default 'standard',
        service_class_source text not null default 'default',
        primary_model text,
        revenue_band smallint,
        revenue_currency text,
        published jsonb,
        version bigint not null default 0
    ) with (fillfactor = 85)
    """,
    "create index customer_by_segment on customer (segment, id)",
    "create index customer_by_region on customer (region, id)",
    "create index customer_by_manager on customer (account_manager, id)",
    "create index customer_by_class on customer (service_class, id)",
    "create index customer_by_name on customer using gin (name_grams)",
    # What each model says of a customer now. `tier` is null while the data does not suffice.
    """
    create table standing (
        customer_id text not null,
        model text not null,
        model_version integer not null,
        state text not null check (state in ('graded', 'insufficient_data')),
        tier text,
        rank smallint,
        service_class text,
        graded_before boolean not null,
        effective_at timestamptz not null,
        computed_at timestamptz not null,
        cause text not null,
        next_change_at timestamptz,
        primary key (customer_id, model),
        check ((state = 'graded') = (tier is not null))
    ) with (fillfactor = 80)
    """,
    "create index standing_due on standing (next_change_at) where next_change_at is not null",
    "create index standing_by_tier on standing (model, tier, customer_id)",
    # Bitemporal: true of the world from `valid_from` to `valid_to`, believed from `recorded_at` to `superseded_at`.
    """
    create table tier_history (
        id bigint generated always as identity primary key,
        customer_id text not null,
        model text not null,
        model_version integer not null,
        state text not null,
        tier text,
        rank smallint,
        service_class text,
        from_tier text,
        direction text,
        cause text not null,
        score_num bigint,
        score_den bigint,
        bands jsonb not null,
        valid_from timestamptz not null,
        valid_to timestamptz not null default 'infinity',
        recorded_at timestamptz not null,
        superseded_at timestamptz not null default 'infinity',
        check (valid_from <= valid_to and recorded_at <= superseded_at)
    )
    """,
    "create index tier_history_of_customer on tier_history (customer_id, model, valid_from)",
    "create index tier_history_by_time on tier_history (model, valid_from)",
    """
    create unique index tier_history_open on tier_history (customer_id, model)
    where valid_to = 'infinity' and superseded_at = 'infinity'
    """,
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
