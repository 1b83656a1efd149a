"""The timeline of a case: append-only, each entry chained to the one before, so that tampering shows.

The chain covers the fixed fields and a salted digest of what was said. Erasing a person's data deletes the words, the
data and the salt; the digest stays, and the chain still verifies.
"""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, Final

import orjson

GENESIS: Final = "0" * 64
"""The hash before the first entry."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing that happened. `at` is when it took effect, `recorded_at` when it was written down.

    `salt` is hexadecimal; it and `data` and `summary` are None after an erasure.
    """

    seq: int
    at: datetime
    recorded_at: datetime
    kind: str
    actor: str
    summary: str | None
    data: Mapping[str, Any] | None
    salt: str | None
    digest: str
    previous_hash: str
    hash: str


@dataclass(frozen=True, slots=True)
class Tail:
    """Where the chain ends now."""

    seq: int = 0
    hash: str = GENESIS


START: Final = Tail()


def append(
    tail: Tail,
    *,
    at: datetime,
    recorded_at: datetime,
    kind: str,
    actor: str,
    summary: str,
    data: Mapping[str, Any],
    salt: str,
) -> Entry:
    """The entry that follows `tail`. `data` holds text, integers, booleans, null, lists and objects; no fractions."""
    digest = digest_of(summary, data, salt)
    seq = tail.seq + 1
    return Entry(
        seq=seq,
        at=at,
        recorded_at=recorded_at,
        kind=kind,
        actor=actor,
        summary=summary,
        data=data,
        salt=salt,
        digest=digest,
        previous_hash=tail.hash,
        hash=_hash(seq, at, recorded_at, kind, actor, digest, tail.hash),
    )


def digest_of(summary: str, data: Mapping[str, Any], salt: str) -> str:
    """SHA-256 over the salt's bytes followed by the canonical JSON of summary and data, in hexadecimal."""
    _sound(data)
    return hashlib.sha256(bytes.fromhex(salt) + _canonical({"data": data, "summary": summary})).hexdigest()


def first_break(entries: Iterable[Entry]) -> int | None:
    """The sequence number at which the chain of a whole timeline first fails to verify; None when it holds."""
    tail = Tail()
    for entry in entries:
        expected = _hash(entry.seq, entry.at, entry.recorded_at, entry.kind, entry.actor, entry.digest, tail.hash)
        if entry.seq != tail.seq + 1 or entry.previous_hash != tail.hash or entry.hash != expected:
            return entry.seq
        if entry.data is not None and entry.salt is not None:
            if digest_of(entry.summary or "", entry.data, entry.salt) != entry.digest:
                return entry.seq
        elif entry.data is not None or entry.salt is not None or entry.summary is not None:
            return entry.seq
        tail = Tail(entry.seq, entry.hash)
    return None


def _hash(seq: int, at: datetime, recorded_at: datetime, kind: str, actor: str, digest: str, previous_hash: str) -> str:
    # The canonical JSON of the seven fields, their names in order.
    fixed = (
        f'{{"actor":{_quoted(actor)},"at":"{instant_text(at)}","digest":"{digest}","kind":{_quoted(kind)},'
        f'"previous_hash":"{previous_hash}","recorded_at":"{instant_text(recorded_at)}","seq":{seq}}}'
    )
    return hashlib.sha256(fixed.encode()).hexdigest()


def _canonical(value: Any) -> bytes:
    """RFC 8785 for what entries hold: sorted ASCII keys, no white space, shortest escapes, integers.

    Numbers with a fraction are kept out (`_sound`), so their canonical form never matters.
    """
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)


@lru_cache(maxsize=4096)
def _quoted(text: str) -> str:
    """Actors and kinds are few."""
    return _canonical(text).decode()


@lru_cache(maxsize=8192)
def instant_text(instant: datetime) -> str:
    """RFC 3339 in UTC with `Z`, trailing zeros of the fraction dropped: as the instant is published."""
    text = instant.astimezone(UTC).replace(tzinfo=None).isoformat()
    return (text.rstrip("0") if instant.microsecond else text) + "Z"


_ATOMS = frozenset({str, int, bool, type(None)})


def _sound(value: Any) -> None:
    """Refuse what has no one canonical form: numbers with a fraction, and keys that are not text."""
    kind = type(value)
    if kind in _ATOMS:
        return
    if kind is dict:
        for key, member in value.items():
            if type(key) is not str:
                raise TypeError(f"the key {key!r} of a timeline entry is not text")
            if type(member) not in _ATOMS:
                _sound(member)
    elif kind is list or kind is tuple:
        for member in value:
            _sound(member)
    else:
        raise TypeError(f"a timeline entry cannot hold {value!r}: write it as text")
