"""The timeline's chain: it verifies, shows tampering, and survives an erasure."""

import hashlib
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from services.crisis.domain.timeline import GENESIS, Tail, append, first_break

AT = datetime(2026, 3, 2, 4, 0, 0, 250_000, tzinfo=UTC)


def a_chain(count: int = 4):
    entries, tail = [], Tail()
    for number in range(count):
        entry = append(
            tail,
            at=AT + timedelta(minutes=number),
            recorded_at=AT + timedelta(minutes=number),
            kind="case.note",
            actor="E-1042",
            summary=f"第 {number} 条",
            data={"text": '"quoted" \\ \u2028 ä', "number": number, "none": None, "list": [True, {"b": 1, "a": 2}]},
            salt=f"{number:032x}",
        )
        entries.append(entry)
        tail = Tail(entry.seq, entry.hash)
    return entries


def test_a_chain_verifies_and_begins_with_sixty_four_zeros():
    entries = a_chain()

    assert first_break(entries) is None
    assert entries[0].previous_hash == GENESIS == "0" * 64


def test_the_hash_is_sha_256_over_the_canonical_json_of_the_fixed_fields():
    entry = a_chain(2)[1]
    fixed = {
        "seq": 2,
        "at": "2026-03-02T04:01:00.25Z",
        "recorded_at": "2026-03-02T04:01:00.25Z",
        "kind": "case.note",
        "actor": "E-1042",
        "digest": entry.digest,
        "previous_hash": entry.previous_hash,
    }

    assert entry.hash == hashlib.sha256(rfc8785.dumps(fixed)).hexdigest()
    said = rfc8785.dumps({"data": dict(entry.data), "summary": entry.summary})
    assert entry.digest == hashlib.sha256(bytes.fromhex(entry.salt) + said).hexdigest()


@pytest.mark.parametrize(
    "tamper",
    [
        {"summary": "nothing happened"},
        {"data": {"text": "nothing"}},
        {"actor": "E-0001"},
        {"at": AT},
        {"recorded_at": AT - timedelta(days=1)},
        {"kind": "case.closed"},
        {"hash": "f" * 64},
        {"digest": "f" * 64},
        {"salt": "ff" * 16},
        {"seq": 7},
    ],
)
def test_a_changed_entry_breaks_the_chain_where_it_stands(tamper):
    entries = a_chain()
    entries[2] = replace(entries[2], **tamper)

    assert first_break(entries) == entries[2].seq


def test_a_removed_or_exchanged_entry_breaks_the_chain():
    entries = a_chain()

    assert first_break([*entries[:1], *entries[2:]]) == 3
    assert first_break([entries[1], entries[0], *entries[2:]]) == 2


def test_an_erased_entry_still_verifies():
    entries = a_chain()
    entries[1] = replace(entries[1], summary=None, data=None, salt=None)

    assert first_break(entries) is None


def test_numbers_with_a_fraction_are_kept_out_for_they_have_no_one_form():
    with pytest.raises(TypeError, match="as text"):
        append(Tail(), at=AT, recorded_at=AT, kind="k", actor="a", summary="s", data={"x": 0.5}, salt="00")


_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53) + 1, 2**53 - 1)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text('abcé中"\\\n', max_size=4), inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.sampled_from(["a", "b", "ccc"]), _VALUES, max_size=3))
def test_any_data_verifies_after_a_trip_through_json(data):
    entry = append(Tail(), at=AT, recorded_at=AT, kind="k", actor="a", summary="s", data=data, salt="0a" * 8)

    assert first_break([replace(entry, data=json.loads(json.dumps(data)))]) is None
