"""Facts as they came, the door they came through, and the narrow tables that metrics read."""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

STATEMENTS = (
    # Permanent: (source, event_id) is what makes a fact count once, for ever. `body` is checked JSON, kept as it came:
    # nothing looks into it in bulk, and parsing it again for jsonb would cost a tenth of the rate.
    """
    create table fact (
        source text not null,
        event_id text not null,
        type text not null,
        customer_id text not null,
        occurred_at timestamptz not null,
        received_at timestamptz not null,
        body text not null,
        primary key (source, event_id)
    )
    """,
    "create index fact_of_customer on fact (customer_id, occurred_at)",
    # What the HTTP door has accepted, so that it can answer `duplicate`; forgotten after a while.
    """
    create table door (
        source text not null,
        event_id text not null,
        received_at timestamptz not null,
        primary key (source, event_id)
    )
    """,
    "create index door_by_age on door (received_at)",
    # Amounts are minor units of the row's currency; quantity is in millionths. `told_at` is the time of the event that
    # told the order: of two tellings of one order the later wins, whichever arrives first.
    """
    create table purchase (
        customer_id text not null,
        order_id text not null,
        told_at timestamptz not null,
        placed_at timestamptz not null,
        currency text not null,
        amount bigint not null,
        cost bigint,
        net_cost bigint,
        quantity bigint
    )
    """,
    "create unique index purchase_once on purchase (customer_id, order_id) include (placed_at, currency, amount)",
    """
    create table refund (
        customer_id text not null,
        order_id text not null,
        refunded_at timestamptz not null,
        currency text not null,
        amount bigint not null
    )
    """,
    "create index refund_of_order on refund (customer_id, order_id)",
    """
    create table interaction (
        customer_id text not null,
        interaction_id text not null,
        told_at timestamptz not null,
        at timestamptz not null,
        kind text not null,
        primary key (customer_id, interaction_id)
    )
    """,
    # A withdrawal may arrive before its complaint: then `received_at` is still unknown.
    """
    create table complaint (
        customer_id text not null,
        complaint_id text not null,
        told_at timestamptz,
        received_at timestamptz,
        withdrawn_at timestamptz,
        primary key (customer_id, complaint_id)
    )
    """,
    # Sentiment in millionths, -1 000 000 to 1 000 000.
    """
    create table mention (
        customer_id text not null,
        mention_id text not null,
        told_at timestamptz not null,
        published_at timestamptz not null,
        sentiment integer not null,
        reach bigint not null,
        primary key (customer_id, mention_id)
    )
    """,
    # Satisfaction in parts of 1 800 000 (0 worst, 1 800 000 best), so that every scale is exact.
    """
    create table survey_answer (
        customer_id text not null,
        survey_id text not null,
        told_at timestamptz not null,
        answered_at timestamptz not null,
        satisfaction integer not null,
        primary key (customer_id, survey_id)
    )
    """,
    """
    create table rating (
        customer_id text not null,
        dimension text not null,
        rated_at timestamptz not null,
        score smallint not null,
        valid_until timestamptz,
        source text not null,
        event_id text not null,
        primary key (customer_id, dimension, rated_at, source, event_id)
    )
    """,
    # `factor` turns minor units of `currency` into minor units of `quote`.
    """
    create table exchange_rate (
        currency text not null,
        quote text not null,
        day date not null,
        rate numeric not null check (rate > 0),
        factor numeric not null,
        primary key (currency, quote, day)
    )
    """,
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
