"""What a channel answers: the words that every provider's answer is translated into."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Verdict(StrEnum):
    """What became of one try.

    `accepted`: the provider took it over. `delivered`, `read`: it arrived, was seen. `rejected_permanent`: the same try
    will never succeed. `rejected_retryable`: it may, later. `rate_limited`: not before `until`. `unknown`: it may or
    may not have been sent.
    """

    ACCEPTED = "accepted"
    DELIVERED = "delivered"
    READ = "read"
    REJECTED_PERMANENT = "rejected_permanent"
    REJECTED_RETRYABLE = "rejected_retryable"
    RATE_LIMITED = "rate_limited"
    UNKNOWN = "unknown"


SUCCESSES = frozenset({Verdict.ACCEPTED, Verdict.DELIVERED, Verdict.READ})


@dataclass(frozen=True, slots=True)
class Outcome:
    """One try's verdict. `until` is real time; `detail` is the provider's answer without addresses and secrets.

    `address_is_bad` says that the contact point itself was refused (no such mailbox, 410 Gone), not only this message.
    """

    verdict: Verdict
    detail: str = ""
    reference: str | None = None
    until: datetime | None = None
    address_is_bad: bool = False

    @property
    def succeeded(self) -> bool:
        return self.verdict in SUCCESSES
