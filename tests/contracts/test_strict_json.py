import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.contracts import ContractError, loads
from shared.contracts.strictjson import MAX_DEPTH, MAX_ERRORS, check_text
from tests.contracts.events import json_objects, json_values, texts


@given(json_values, st.booleans(), st.sampled_from([(",", ":"), (", ", ": "), (" , ", " : "), (",\n\t", " :\r\n")]))
def test_every_strict_text_is_read_as_the_standard_parser_reads_it(value, ascii_only, separators):
    text = json.dumps(value, ensure_ascii=ascii_only, separators=separators)

    assert loads(text.encode()) == json.loads(text)


@given(json_objects, texts, json_values, json_values, st.booleans())
def test_a_name_that_occurs_twice_is_always_found(others, name, first, second, ascii_only):
    def member(value):
        return f"{json.dumps(name, ensure_ascii=ascii_only)}:{json.dumps(value, ensure_ascii=ascii_only)}"

    rest = "".join(f",{json.dumps(key)}:{json.dumps(value)}" for key, value in others.items() if key != name)
    text = f"[{{{member(first)}{rest},{member(second)}}}]"

    with pytest.raises(ContractError) as caught:
        loads(text.encode())

    assert {error.rule for error in caught.value.errors} == {"duplicate-key"}


@pytest.mark.parametrize(
    "text",
    [
        r'{"a":"\u003a","a":":"}',
        r'{"a":"\u003A","a":""}',
        r'{"a":1,"b":"\u003a","\u0061":2}',
        r'{"a::":1,"a\u003a:":2}',
        r'{"a": {"x": ":"}, "a" : {}}',
    ],
)
def test_escapes_and_colons_in_text_do_not_hide_a_repeated_name(text):
    with pytest.raises(ContractError) as caught:
        loads(text.encode())

    assert {error.rule for error in caught.value.errors} == {"duplicate-key"}


@pytest.mark.parametrize("text", [r'{"a":"\u003a"}', r'{"a":"\\u0000"}', r'{"a":"\\ud800"}', '{"a":":::","b:":"\\":"}'])
def test_colons_and_escapes_in_text_are_no_trouble_by_themselves(text):
    assert loads(text.encode()) == json.loads(text)


def test_depth_is_counted_exactly():
    at_limit = b"[" * MAX_DEPTH + b"]" * MAX_DEPTH
    wide = b"[" + b",".join([b"{}"] * 1000) + b"]"

    assert loads(at_limit) == json.loads(at_limit)
    assert loads(wide) == [{}] * 1000
    with pytest.raises(ContractError, match="depth"):
        loads(b"[" + at_limit + b"]")
    with pytest.raises(ContractError, match="depth"):
        loads(b"[" * 100_000 + b"]" * 100_000)


def test_size_is_judged_before_anything_is_parsed():
    with pytest.raises(ContractError, match="at most 10 are read"):
        loads(b"[" * 11, max_bytes=10)


def test_what_is_wrong_all_over_is_described_no_further():
    with pytest.raises(ContractError) as caught:
        loads(json.dumps(["\x00"] * 1000).encode())

    assert len(caught.value.errors) == MAX_ERRORS
    assert caught.value.errors[1].pointer == "/1"


def test_pointers_escape_what_they_must():
    with pytest.raises(ContractError) as caught:
        check_text({"a/b": {"~": "\x00"}}, at="/data")

    assert caught.value.errors[0].pointer == "/data/a~1b/~0"
