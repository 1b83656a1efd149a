"""What a bus tells whoever measures it."""

from typing import Protocol


class BusObserver(Protocol):
    """Told of everything that a metric or an alarm wants to know; called on the event loop, must not block or raise."""

    def published(self, topic: str, *, records: int, seconds: float) -> None:
        """`records` of `topic` became durable, `seconds` after they were handed over."""

    def delivered(self, group: str, topic: str, *, records: int) -> None:
        """`records` were handed to a member of `group`."""

    def commit_skipped(self, group: str, *, partitions: int) -> None:
        """Positions of `partitions` were not committed: another member has them now."""

    def rebalanced(self, group: str, *, owned: int) -> None:
        """A member of `group` now owns `owned` partitions."""

    def recreated(self, part: str, *, reason: str) -> None:
        """A client object (`producer`, `consumer`, `session`) was thrown away and made anew."""


class Unobserved:
    """Listens to nothing."""

    def published(self, topic: str, *, records: int, seconds: float) -> None: ...

    def delivered(self, group: str, topic: str, *, records: int) -> None: ...

    def commit_skipped(self, group: str, *, partitions: int) -> None: ...

    def rebalanced(self, group: str, *, owned: int) -> None: ...

    def recreated(self, part: str, *, reason: str) -> None: ...
