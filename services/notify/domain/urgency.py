"""How urgent a message is, and what that means for age, retries and messages of unknown fate."""

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Literal


class Urgency(StrEnum):
    """From the most pressing down; the order of sending when there is more than can be sent at once."""

    CRITICAL = "critical"
    HIGH = "high"
    NORMAL = "normal"
    LOW = "low"

    @property
    def rank(self) -> int:
        """0 is the most pressing."""
        return _RANKS[self]


_RANKS = {urgency: rank for rank, urgency in enumerate(Urgency)}


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a delivery is tried.

    `max_age` is business time from the intent to the last try. `retry_first` and `retry_most` bound the pauses between
    tries and are real time, for providers know no other. `tries_before_failover` retryable refusals send it to the next
    channel where there is one. `when_unknown` says what becomes of a message that may or may not have been sent: it is
    repeated, for here twice is better than never; the next channel is tried; or it is left at that.
    """

    max_age: timedelta
    max_tries: int
    tries_before_failover: int
    retry_first: float
    retry_most: float
    when_unknown: Literal["repeat", "next_channel", "leave"]


PATIENCE: dict[Urgency, Patience] = {
    Urgency.CRITICAL: Patience(timedelta(minutes=30), 40, 2, 1.0, 60.0, "repeat"),
    Urgency.HIGH: Patience(timedelta(hours=4), 30, 3, 2.0, 900.0, "next_channel"),
    Urgency.NORMAL: Patience(timedelta(hours=24), 20, 4, 5.0, 7200.0, "leave"),
    Urgency.LOW: Patience(timedelta(hours=72), 20, 4, 30.0, 14400.0, "leave"),
}
"""Ours; the pauses follow the schedule that Standard Webhooks recommends (seconds, then minutes, then hours)."""
