"""When a target stood still: the pauses, with their reasons, and the times from a stop to a reopen that resumes.

The set of pause reasons belongs to the target, not to a cycle: it lives before the start, after a stop, across cycles.
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

    def stretches(self) -> Iterator[tuple[int, int | None]]:
        """Each time `[from, to)` at which the set was not empty; the last may still last (None)."""
        since: int | None = None
        for at, reasons in self.history:
            if reasons and since is None:
                since = at
            elif not reasons and since is not None:
                yield since, at
                since = None
        if since is not None:
            yield since, None

    def _become(self, reasons: tuple[str, ...], at: int) -> None:
        self.reasons = reasons
        self.history.append((at, reasons))


@dataclass(slots=True)
class Halts:
    """When one cycle did not run: the pauses of its target, and its own stops that a reopen turned into pauses."""

    pauses: Pauses
    stops: list[tuple[int, int]] = field(default_factory=list)

    def between(self, begin: int, end: int) -> list[tuple[int, int | None]]:
        """The halts that lie in or reach into `[begin, end]`, in order, cut at `begin`; None where one still lasts.

        A stop and a pause that touch are one halt; two pauses that touch are two, for the clock ran in between, if only
        for an instant.
        """
        merged: list[tuple[int, int | None]] = []
        halts: list[tuple[int, int | None, bool]] = [(a, b, False) for a, b in self.pauses.stretches()]
        halts += [(a, b, True) for a, b in self.stops]
        last_was_stop = False
        for since, until, is_stop in sorted(halts, key=lambda halt: (halt[0], halt[2])):
            if since > end or (until is not None and until < begin):
                continue
            joins = merged and (merged[-1][1] is None or since < merged[-1][1])
            touches = merged and since == merged[-1][1] and (is_stop or last_was_stop)
            if joins or touches:
                before = merged[-1][1]
                merged[-1] = (merged[-1][0], None if before is None or until is None else max(before, until))
            else:
                merged.append((max(begin, since), until))
            last_was_stop = is_stop
        return merged
