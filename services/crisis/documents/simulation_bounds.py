"""How large a simulation may be: it is computed while the caller waits."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

from services.crisis.documents.clock_events import AnyEvent, RetargetEvent
from services.crisis.documents.targets import PolicyDocument, TargetDocument
from shared.contracts.errors import FieldError

MAX_EVENTS: Final = 10_000
MAX_FOLDED: Final = 50_000
"""Events counted once for each target that they speak to."""
MAX_JUDGED: Final = 1_000_000
"""Lines that `tighten_only` may add to a clock, with their thresholds, times its events: each event looks at all."""
MAX_SPAN: Final = timedelta(days=36_525)


def too_large(
    events: Sequence[AnyEvent], policy: PolicyDocument, documents: Mapping[str, PolicyDocument], until: datetime
) -> Iterator[FieldError]:
    """What of a request is beyond the bounds; `documents` are the policies sent along, by key."""
    first = min((event.at for event in events), default=until)
    if until - first > MAX_SPAN:
        detail = "a simulation covers at most a hundred years from its first event"
        yield FieldError("/until", "instant-range", detail)
    if len(events) > MAX_EVENTS:
        yield FieldError("/events", "length", f"a simulation takes at most {MAX_EVENTS:,} events")
    folded = sum(len(policy.targets) if event.target is None else 1 for event in events)
    if folded > MAX_FOLDED:
        detail = (
            f"events times the targets that they speak to are {folded:,}; a simulation takes at most {MAX_FOLDED:,}"
        )
        yield FieldError("/events", "length", detail)
        return
    judged = sum(_judged(events, name, documents) for name in policy.targets)
    if judged > MAX_JUDGED:
        detail = (
            f"lines and thresholds that tighten, times the events, are {judged:,}; at most {MAX_JUDGED:,} are judged"
        )
        yield FieldError("/events", "length", detail)


def _judged(events: Sequence[AnyEvent], name: str, documents: Mapping[str, PolicyDocument]) -> int:
    mine = [event for event in events if event.target in {None, name}]
    brought = {_brought(event, name, documents) for event in mine}
    return len(mine) * sum(1 + len(one.warn) + len(one.warn_before) for one in brought if one is not None)


def _brought(event: AnyEvent, name: str, documents: Mapping[str, PolicyDocument]) -> TargetDocument | None:
    """The target whose line the event adds to those that stand."""
    if not isinstance(event, RetargetEvent) or event.behaviour != "tighten_only":
        return None
    if event.policy is None:
        return event.to
    known = documents.get(event.policy)
    return None if known is None else known.targets.get(name)
