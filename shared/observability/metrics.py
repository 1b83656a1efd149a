"""Prometheus metrics: rate, errors and duration per route and per consumer group; depth, age and lag of what waits.

Names follow Prometheus: base units, `_total` for counters. Labels are closed sets (route templates, groups, kinds),
never ids. Gauges that need a query are set by `shared.observability.gauges`, not when somebody scrapes.
"""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.gc_collector import GCCollector
from prometheus_client.platform_collector import PlatformCollector
from prometheus_client.process_collector import ProcessCollector

from shared.observability.batch_histogram import BatchHistogram

REGISTRY = CollectorRegistry(auto_describe=False)
"""Everything that `/metrics` shows; the library's global registry stays out of it."""
ProcessCollector(registry=REGISTRY)
PlatformCollector(registry=REGISTRY)
GCCollector(registry=REGISTRY)

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_SIZES = (1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 500.0, 1000.0, 2000.0)
_LAGS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 15.0, 60.0, 300.0, 3600.0, 86400.0)

HTTP_SECONDS = Histogram(
    "moat_http_request_duration_seconds",
    "Time from the first byte of a request to the end of its answer.",
    ("method", "route", "status"),
    buckets=_SECONDS,
    registry=REGISTRY,
)
HTTP_IN_PROGRESS = Gauge("moat_http_requests_in_progress", "Requests being answered.", registry=REGISTRY)
CONSUMER_RECORDS = Counter(
    "moat_consumer_records_total",
    "Records by what became of them: handled, duplicate, unknown, dead_letter, parked.",
    ("group", "outcome"),
    registry=REGISTRY,
)
CONSUMER_SECONDS = Histogram(
    "moat_consumer_batch_duration_seconds",
    "Time of one batch's transaction, by whether it was committed.",
    ("group", "outcome"),
    buckets=_SECONDS,
    registry=REGISTRY,
)
CONSUMER_BATCH = Histogram(
    "moat_consumer_batch_records",
    "Records of one batch whose transaction was committed.",
    ("group",),
    buckets=_SIZES,
    registry=REGISTRY,
)
CONSUMER_RETRIES = Counter(
    "moat_consumer_retries_total",
    "Batches tried again because the database was away or busy.",
    ("group",),
    registry=REGISTRY,
)
CONSUMER_LAG = Gauge(
    "moat_consumer_lag_records", "Records published and not yet committed by the group.", ("group",), registry=REGISTRY
)
PARKED = Gauge(
    "moat_parked_records", "Records set aside behind a key that keeps failing.", ("group",), registry=REGISTRY
)
DEAD_LETTERS = Gauge(
    "moat_dead_letter_records", "Records in the group's dead-letter topic.", ("group",), registry=REGISTRY
)
TIMERS_FIRED = Counter("moat_timers_fired_total", "Timers fired.", ("kind",), registry=REGISTRY)
TIMERS_FAILED = Counter(
    "moat_timers_failed_total", "Timers whose handler failed; each is tried again later.", ("kind",), registry=REGISTRY
)
TIMER_LAG = BatchHistogram(
    "moat_timer_lag_seconds",
    "Time from a timer's due instant until what it brought about was committed, its events in the outbox.",
    buckets=_LAGS,
    registry=REGISTRY,
)
TIMERS_DUE = Gauge("moat_timers_due", "Timers that are due and have not fired, counted to 10 000.", registry=REGISTRY)
OUTBOX_SENT = Counter("moat_outbox_sent_total", "Outbox rows that the bus has made durable.", registry=REGISTRY)
OUTBOX_RETRIES = Counter("moat_outbox_retries_total", "Times that the relay began again.", registry=REGISTRY)
OUTBOX_ROWS = Gauge("moat_outbox_pending_rows", "Rows waiting for the bus, counted to 100 000.", registry=REGISTRY)
OUTBOX_AGE = Gauge("moat_outbox_oldest_age_seconds", "Age of the oldest waiting row; 0 without any.", registry=REGISTRY)
POOL_IN_USE = Gauge("moat_db_pool_in_use", "Database connections taken from the pool.", registry=REGISTRY)
POOL_SIZE = Gauge("moat_db_pool_size", "Database connections that the pool may open.", registry=REGISTRY)
LOOP_LAG = Gauge(
    "moat_event_loop_lag_seconds", "How late the event loop woke in the last look; the worst of it.", registry=REGISTRY
)
JOBS = Counter("moat_jobs_finished_total", "Jobs by how they ended.", ("kind", "state"), registry=REGISTRY)

BUS_PUBLISHED = Counter("moat_bus_published_records_total", "Records made durable.", ("topic",), registry=REGISTRY)
BUS_PUBLISH_SECONDS = Histogram(
    "moat_bus_publish_duration_seconds",
    "Time until published records were durable.",
    buckets=_SECONDS,
    registry=REGISTRY,
)
BUS_DELIVERED = Counter(
    "moat_bus_delivered_records_total",
    "Records handed to a member of the group.",
    ("group", "topic"),
    registry=REGISTRY,
)
BUS_COMMITS_SKIPPED = Counter(
    "moat_bus_commits_skipped_total",
    "Positions not committed because another member has the partition.",
    ("group",),
    registry=REGISTRY,
)
BUS_REBALANCES = Counter("moat_bus_rebalances_total", "Changes of the owned partitions.", ("group",), registry=REGISTRY)
BUS_OWNED = Gauge("moat_bus_owned_partitions", "Partitions that this member owns.", ("group",), registry=REGISTRY)
BUS_RECREATED = Counter(
    "moat_bus_recreated_total", "Client objects thrown away and made anew.", ("part", "reason"), registry=REGISTRY
)


class BatchSize:
    """Counts what became of the records of one batch."""

    def __init__(self, records: int) -> None:
        self.records = records
        self.duplicate = 0

    def duplicates(self, count: int) -> None:
        """Say that `count` of them had been handled before."""
        self.duplicate = count


class ConsumerMetrics:
    """Rate, errors and duration of one consumer group."""

    def __init__(self, group: str) -> None:
        self._handled = CONSUMER_RECORDS.labels(group, "handled")
        self._duplicate = CONSUMER_RECORDS.labels(group, "duplicate")
        self._unknown = CONSUMER_RECORDS.labels(group, "unknown")
        self._buried = CONSUMER_RECORDS.labels(group, "dead_letter")
        self._parked = CONSUMER_RECORDS.labels(group, "parked")
        self._committed = CONSUMER_SECONDS.labels(group, "committed")
        self._failed = CONSUMER_SECONDS.labels(group, "failed")
        self._sizes = CONSUMER_BATCH.labels(group)
        self._retries = CONSUMER_RETRIES.labels(group)

    @contextmanager
    def batch(self, records: int) -> Iterator[BatchSize]:
        """Time one transaction over `records` records; they count as handled when the block is left cleanly."""
        size = BatchSize(records)
        began = time.perf_counter()
        try:
            yield size
        except BaseException:
            self._failed.observe(time.perf_counter() - began)
            raise
        self._committed.observe(time.perf_counter() - began)
        self._sizes.observe(records)
        self._handled.inc(size.records - size.duplicate)
        if size.duplicate:
            self._duplicate.inc(size.duplicate)

    def retried(self) -> None:
        """A batch is tried again because the database was away or busy."""
        self._retries.inc()

    def unknown(self) -> None:
        """A record of a type that we do not know was passed over."""
        self._unknown.inc()

    def buried(self) -> None:
        """A record went to the dead letters."""
        self._buried.inc()

    def parked(self) -> None:
        """A record was set aside behind its key."""
        self._parked.inc()


class TimerMetrics:
    """Rate, errors and lag of the timers of one service."""

    def fired(self, kind: str, lags: Sequence[float]) -> None:
        """Timers of `kind` fired, each so many seconds after it was due."""
        TIMERS_FIRED.labels(kind).inc(len(lags))
        TIMER_LAG.observe_all(lags)

    def failed(self, kind: str) -> None:
        """A timer's handler failed; it will be tried again."""
        TIMERS_FAILED.labels(kind).inc()


class RelayMetrics:
    """What the relay of one service carries."""

    def sent(self, rows: int) -> None:
        """The bus has made `rows` rows durable."""
        OUTBOX_SENT.inc(rows)

    def retried(self) -> None:
        """The bus or the database was away; the relay begins again."""
        OUTBOX_RETRIES.inc()


class BusMetrics:
    """What a bus tells; see `shared.bus.observer`."""

    def published(self, topic: str, *, records: int, seconds: float) -> None:
        """Records became durable."""
        BUS_PUBLISHED.labels(topic).inc(records)
        BUS_PUBLISH_SECONDS.observe(seconds)

    def delivered(self, group: str, topic: str, *, records: int) -> None:
        """Records were handed to a member."""
        BUS_DELIVERED.labels(group, topic).inc(records)

    def commit_skipped(self, group: str, *, partitions: int) -> None:
        """Another member had the partitions already."""
        BUS_COMMITS_SKIPPED.labels(group).inc(partitions)

    def rebalanced(self, group: str, *, owned: int) -> None:
        """The member now owns so many partitions."""
        BUS_REBALANCES.labels(group).inc()
        BUS_OWNED.labels(group).set(owned)

    def recreated(self, part: str, *, reason: str) -> None:
        """A client object was made anew."""
        BUS_RECREATED.labels(part, reason.partition(" ")[0][:40]).inc()
