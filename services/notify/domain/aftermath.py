"""What follows from one try: the delivery ended well, is tried again, goes to the next channel, or failed."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from services.notify.domain.outcome import Outcome, Verdict
from services.notify.domain.urgency import Patience

EXPIRED = "expired"


@dataclass(frozen=True, slots=True)
class Tried:
    """A delivery after a try. `tries` counts this one; the instants `due_until` and `now` are business time."""

    tries: int
    step: int
    channels: Sequence[str]
    due_until: datetime
    channel_is_idempotent: bool

    @property
    def has_next_channel(self) -> bool:
        return self.step + 1 < len(self.channels)


@dataclass(frozen=True, slots=True)
class Again:
    """Try the same channel again at `at` (real time)."""

    at: datetime


@dataclass(frozen=True, slots=True)
class Ended:
    """The delivery has ended. `fails_over`: the next channel is tried at once, with a delivery of its own."""

    state: Literal["accepted", "delivered", "read", "failed", "unknown"]
    fails_over: bool = False


def aftermath(
    tried: Tried,
    outcome: Outcome,
    patience: Patience,
    *,
    now: datetime,
    wall: datetime,
    jitter: float,
    haste: float = 1.0,
) -> Again | Ended:
    """Decide what follows. `jitter` in [0, 1) spreads the pauses; `haste` divides them, for drills and tests."""
    match outcome.verdict:
        case Verdict.ACCEPTED:
            return Ended("accepted")
        case Verdict.DELIVERED:
            return Ended("delivered")
        case Verdict.READ:
            return Ended("read")
        case Verdict.REJECTED_PERMANENT:
            return Ended("failed", fails_over=tried.has_next_channel)
        case Verdict.UNKNOWN if patience.when_unknown != "repeat" and not tried.channel_is_idempotent:
            return Ended("unknown", fails_over=patience.when_unknown == "next_channel" and tried.has_next_channel)
        case Verdict.UNKNOWN | Verdict.REJECTED_RETRYABLE | Verdict.RATE_LIMITED:
            return _later(tried, outcome, patience, now, wall, jitter, haste)


def _later(
    tried: Tried, outcome: Outcome, patience: Patience, now: datetime, wall: datetime, jitter: float, haste: float
) -> Again | Ended:
    if tried.tries >= patience.max_tries or now >= tried.due_until:
        return Ended("failed", fails_over=tried.has_next_channel)
    if tried.has_next_channel and (
        tried.tries >= patience.tries_before_failover or outcome.verdict is Verdict.RATE_LIMITED
    ):
        return Ended("failed", fails_over=True)
    pause = min(patience.retry_most, patience.retry_first * 2 ** min(tried.tries - 1, 30)) * (0.5 + jitter / 2) / haste
    at = wall + timedelta(seconds=pause)
    # What the provider asks for beats our own pauses.
    return Again(max(at, outcome.until) if outcome.until is not None else at)
