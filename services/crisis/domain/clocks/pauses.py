"""The set of reasons for which a target stands still. It belongs to the target, not to a cycle.

It lives before the start, after a stop and across cycles.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field


@dataclass(slots=True)
class Pauses:
    """The reasons for which a target stands still, and their history. Instants are integer microseconds."""

    reasons: tuple[str, ...] = ()
    history: list[tuple[int, tuple[str, ...]]] = field(default_factory=list)
    """Each change of the set, in order."""

    def add(self, reason: str, at: int) -> bool:
        """Add a reason; whether the set was empty before."""
        was_empty = not self.reasons
        if reason not in self.reasons:
            self._become((*self.reasons, reason), at)
        return was_empty

    def remove(self, reason: str | None, at: int) -> bool:
        """Take a reason out (all of them for None); whether this emptied the set."""
        if not self.reasons or (reason is not None and reason not in self.reasons):
            return False
        self._become(() if reason is None else tuple(one for one in self.reasons if one != reason), at)
        return not self.reasons

    def stretches(self, reason: str | None = None) -> Iterator[tuple[int, int | None]]:
        """Each time `[from, to)` at which the set was not empty, or held `reason`; the last may still last (None)."""
        since: int | None = None
        for at, reasons in self.history:
            is_held = bool(reasons) if reason is None else reason in reasons
            if is_held and since is None:
                since = at
            elif not is_held and since is not None:
                yield since, at
                since = None
        if since is not None:
            yield since, None

    def _become(self, reasons: tuple[str, ...], at: int) -> None:
        self.reasons = reasons
        self.history.append((at, reasons))
