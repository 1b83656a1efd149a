"""W3C Trace Context, carried from a request through the outbox and the bus to whatever it causes in other services.

Only the identity is carried (`traceparent`), spans are not recorded: logs and events name their trace, and any tracer
can join later. Switched off, nothing is parsed, made or stored.
"""

import random
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import NamedTuple

_PARENT = re.compile(
    r"(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})(?:-.*)?"
).fullmatch
_random = random.Random()  # noqa: S311 - trace ids must differ, not be secret; seeded by the system's entropy


class Trace(NamedTuple):
    """Where we are: the trace and our own span in it."""

    trace_id: str
    span_id: str
    flags: str

    @property
    def traceparent(self) -> str:
        """What is handed on, so that what follows is our child."""
        return f"00-{self.trace_id}-{self.span_id}-{self.flags}"


_current: ContextVar[Trace | None] = ContextVar("moat_trace", default=None)
_by_subject: ContextVar[Mapping[str, str] | None] = ContextVar("moat_trace_by_subject", default=None)
_enabled = True


def enable(*, on: bool) -> None:
    """Switch tracing on or off for this process."""
    global _enabled  # noqa: PLW0603 - a process is traced or it is not
    _enabled = on


def parse(text: str | None) -> Trace | None:
    """The trace that a `traceparent` names; None for anything that the standard tells a reader to ignore."""
    match = None if text is None else _PARENT(text)
    return None if match is None else Trace(match[1], match[2], match[3])


def begin(traceparent: str | None) -> Trace | None:
    """Enter a new span: child of `traceparent` where that can be read, else the root of a new, sampled trace."""
    if not _enabled:
        return None
    parent = parse(traceparent)
    span_id = f"{_random.getrandbits(64) or 1:016x}"
    trace = (
        Trace(f"{_random.getrandbits(128) or 1:032x}", span_id, "01")
        if parent is None
        else Trace(parent.trace_id, span_id, parent.flags)
    )
    _current.set(trace)
    return trace


def current() -> Trace | None:
    """The span we are in, if any."""
    return _current.get()


def traceparent_for(subject: str) -> str | None:
    """The `traceparent` of an event about `subject` that is published here and now.

    In a consumer's batch that is the trace of the subject's own delivery; else the span we are in.
    """
    if not _enabled:
        return None
    carried = _by_subject.get()
    if carried is not None:
        return carried.get(subject)
    trace = _current.get()
    return None if trace is None else trace.traceparent


@contextmanager
def carried_by(traceparents: Mapping[str, str]) -> Iterator[None]:
    """Inside the block, events about these subjects continue these traces: one batch carries many.

    A batch of one is also where we are, so that its log lines name the trace.
    """
    if not _enabled:
        yield
        return
    before = _by_subject.set(traceparents)
    alone = _current.set(parse(next(iter(traceparents.values()))) if len(traceparents) == 1 else None)
    try:
        yield
    finally:
        _current.reset(alone)
        _by_subject.reset(before)


def random_id() -> bytes:
    """32 hexadecimal digits that differ each time."""
    return b"%032x" % _random.getrandbits(128)
