"""The tables that every service has beside its own: created by the first migration of each service's history.

`subject` is the root of order: whatever touches a customer locks its row first, so that what happens to one customer
is serial, and its counter numbers the events that this service publishes about it (`ce_sequence`).
"""

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, BYTEA, JSON, JSONB, TIMESTAMP

SHARDS = 16
"""Keys are spread over this many shards by crc32; one relay owns a shard at a time."""

INSTANT = TIMESTAMP(timezone=True)


def add_kernel_tables(metadata: sa.MetaData) -> None:
    """Declare the kernel's tables in a service's metadata."""
    for add in (
        _subject,
        _outbox,
        _inbox,
        _parked,
        _timer,
        _clock_state,
        _api_key,
        _idempotency,
        _job,
        _secret,
        _document,
    ):
        add(metadata)


def _subject(metadata: sa.MetaData) -> None:
    sa.Table(
        "subject",
        metadata,
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("sequence", sa.BigInteger, nullable=False, server_default="0"),
        postgresql_with={"fillfactor": "70"},
    )


def _outbox(metadata: sa.MetaData) -> None:
    # Debezium-shaped (aggregatetype = topic, aggregateid = key), so that change data capture could take over.
    sa.Table(
        "outbox",
        metadata,
        sa.Column("seq", sa.BigInteger, sa.Identity(always=True), primary_key=True),
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("aggregatetype", sa.Text, nullable=False),
        sa.Column("aggregateid", BYTEA, nullable=True),
        sa.Column("type", sa.Text, nullable=False),
        sa.Column("payload", BYTEA, nullable=True),
        # Two arrays, not jsonb: read and sent without parsing, which is worth 30 % of the relay's rate.
        sa.Column("header_names", ARRAY(sa.Text), nullable=False),
        sa.Column("header_values", ARRAY(BYTEA), nullable=False),
        sa.Column("shard", sa.SmallInteger, nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        postgresql_with={"autovacuum_vacuum_scale_factor": "0.02", "autovacuum_vacuum_threshold": "1000"},
    )


def _inbox(metadata: sa.MetaData) -> None:
    sa.Table(
        "inbox",
        metadata,
        sa.Column("source", sa.Text, primary_key=True),
        sa.Column("event_id", sa.Text, primary_key=True),
        sa.Column("received_at", INSTANT, nullable=False, index=True),
    )


def _parked(metadata: sa.MetaData) -> None:
    sa.Table(
        "parked",
        metadata,
        sa.Column("seq", sa.BigInteger, sa.Identity(always=True), primary_key=True),
        sa.Column("group_name", sa.Text, nullable=False),
        sa.Column("subject", sa.Text, nullable=False),
        sa.Column("topic", sa.Text, nullable=False),
        sa.Column("partition", sa.Integer, nullable=False),
        sa.Column("position", sa.BigInteger, nullable=False),
        sa.Column("timestamp_ms", sa.BigInteger, nullable=False),
        sa.Column("record_key", BYTEA, nullable=True),
        sa.Column("payload", BYTEA, nullable=True),
        sa.Column("header_names", ARRAY(sa.Text), nullable=False),
        sa.Column("header_values", ARRAY(BYTEA), nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("parked_at", INSTANT, nullable=False),
        sa.Column("release_requested", sa.Boolean, nullable=False, server_default=sa.false()),
        sa.Index("parked_by_subject", "group_name", "subject", "seq"),
        sa.UniqueConstraint("group_name", "topic", "partition", "position", name="parked_once"),
    )


def _timer(metadata: sa.MetaData) -> None:
    sa.Table(
        "timer",
        metadata,
        sa.Column("id", sa.BigInteger, sa.Identity(always=True), primary_key=True),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("subject", sa.Text, nullable=False),
        sa.Column("due_at", INSTANT, nullable=False),
        sa.Column("generation", sa.Integer, nullable=False),
        sa.Column("payload", JSONB, nullable=False),
        sa.Column("attempts", sa.SmallInteger, nullable=False, server_default="0"),
        sa.Column("retry_at", INSTANT, nullable=True),
        sa.Column("last_error", sa.Text, nullable=True),
        sa.UniqueConstraint("kind", "key", name="timer_once"),
        sa.Index("timer_due", "due_at", "id"),
        postgresql_with={"fillfactor": "80", "autovacuum_vacuum_scale_factor": "0.02"},
    )


def _clock_state(metadata: sa.MetaData) -> None:
    sa.Table(
        "clock_state",
        metadata,
        sa.Column("only", sa.Boolean, primary_key=True, server_default=sa.true()),
        sa.Column("stands_at", INSTANT, nullable=False),
        sa.CheckConstraint('"only"', name="one_row"),
    )


def _api_key(metadata: sa.MetaData) -> None:
    sa.Table(
        "api_key",
        metadata,
        sa.Column("id", sa.Text, primary_key=True),
        # The first key of a chain of rotations: the caller's identity, which outlives each key.
        sa.Column("lineage", sa.Text, nullable=False, index=True),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("prefix", sa.Text, nullable=False),
        sa.Column("digest", BYTEA, nullable=False, unique=True),
        sa.Column("scopes", ARRAY(sa.Text), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("expires_at", INSTANT, nullable=True),
        sa.Column("revoked_at", INSTANT, nullable=True),
        sa.Column("replaced_by", sa.Text, nullable=True),
        sa.Column("last_used_at", INSTANT, nullable=True),
    )


def _idempotency(metadata: sa.MetaData) -> None:
    sa.Table(
        "idempotency",
        metadata,
        sa.Column("caller", sa.Text, primary_key=True),
        sa.Column("key", sa.Text, primary_key=True),
        sa.Column("fingerprint", BYTEA, nullable=False),
        sa.Column("status", sa.SmallInteger, nullable=False),
        sa.Column("headers", JSONB, nullable=False),
        sa.Column("body", BYTEA, nullable=False),
        sa.Column("created_at", INSTANT, nullable=False, index=True),
    )


def _job(metadata: sa.MetaData) -> None:
    sa.Table(
        "job",
        metadata,
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("request", JSONB, nullable=False),
        sa.Column("progress", JSONB, nullable=False, server_default=sa.text("'{}'::jsonb")),
        sa.Column("result", JSONB, nullable=True),
        sa.Column("problem", JSONB, nullable=True),
        sa.Column("requested_by", sa.Text, nullable=False),
        # Of open jobs only one may have a given exclusive key: one recompute per model, say.
        sa.Column("exclusive_key", sa.Text, nullable=True),
        sa.Column("cancel_requested", sa.Boolean, nullable=False, server_default=sa.false()),
        # Grows with every start, so that a runner that lost the job notices.
        sa.Column("attempt", sa.Integer, nullable=False, server_default="0"),
        sa.Column("attempts_without_progress", sa.Integer, nullable=False, server_default="0"),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("started_at", INSTANT, nullable=True),
        sa.Column("finished_at", INSTANT, nullable=True),
        sa.CheckConstraint("state in ('queued', 'running', 'succeeded', 'failed', 'cancelled')", name="job_state"),
        sa.Index("job_open", "state", "created_at", postgresql_where=sa.text("state in ('queued', 'running')")),
        sa.Index(
            "job_exclusive",
            "kind",
            "exclusive_key",
            unique=True,
            postgresql_where=sa.text("state in ('queued', 'running')"),
        ),
    )


def _secret(metadata: sa.MetaData) -> None:
    # Keys for signing what we hand out and read again (page tokens, links); the same for all replicas.
    sa.Table(
        "secret",
        metadata,
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("value", BYTEA, nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
    )


def _document(metadata: sa.MetaData) -> None:
    sa.Table(
        "document",
        metadata,
        sa.Column("kind", sa.Text, primary_key=True),
        sa.Column("key", sa.Text, primary_key=True),
        sa.Column("version", sa.Integer, primary_key=True),
        sa.Column("state", sa.Text, nullable=False),
        # json, not jsonb: people get their fields back in the order in which they wrote them.
        sa.Column("body", JSON, nullable=False),
        sa.Column("compiled", JSON, nullable=True),
        sa.Column("revision", sa.Integer, nullable=False, server_default="1"),
        # Shipped documents are renewed by a newer release until an operator has made a version of his own.
        sa.Column("origin", sa.Text, nullable=False),
        sa.Column("digest", sa.Text, nullable=False),
        sa.Column("created_by", sa.Text, nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("activated_at", INSTANT, nullable=True),
        sa.Column("retired_at", INSTANT, nullable=True),
        sa.CheckConstraint("state in ('draft', 'active', 'retired')", name="document_state"),
        sa.CheckConstraint("origin in ('shipped', 'operator')", name="document_origin"),
        sa.Index("document_active", "kind", "key", unique=True, postgresql_where=sa.text("state = 'active'")),
    )
