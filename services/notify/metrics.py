"""Metrics of notify: tries by channel and outcome, how long they take, and what should never be left unseen."""

from prometheus_client import Counter, Histogram

from shared.observability.metrics import REGISTRY

ATTEMPTS = Counter(
    "moat_notify_attempts_total", "Tries to send, by what came of them.", ("channel", "outcome"), registry=REGISTRY
)
SEND_SECONDS = Histogram(
    "moat_notify_send_duration_seconds",
    "Time of one try, from rendering to the provider's answer.",
    ("channel",),
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0),
    registry=REGISTRY,
)
FIRST_TRY_SECONDS = Histogram(
    "moat_notify_first_try_delay_seconds",
    "Real time from writing an intent to the beginning of its first try.",
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 30.0, 300.0),
    registry=REGISTRY,
)
DEFECTS = Counter(
    "moat_notify_template_defects_total",
    "Messages sent in plain words because their template failed.",
    registry=REGISTRY,
)
ENDED_LEASES = Counter(
    "moat_notify_leases_ended_total",
    "Deliveries whose sender stopped before it said what became of them.",
    registry=REGISTRY,
)
UNDELIVERABLE = Counter(
    "moat_notify_undeliverable_total", "Messages that nobody received and nobody will.", ("urgency",), registry=REGISTRY
)
