import json

import pytest
from hypothesis import given

from shared.contracts import ContractError, decode, encode, parse_structured, to_structured
from tests.contracts.events import an_event, an_order, events, headers_of

BODY = json.dumps(an_order()).encode()
STRUCTURED = [("content-type", b"application/cloudevents+json; charset=UTF-8")]


def refusal(key: bytes | None, value: bytes | None, headers: list[tuple[str, bytes]]) -> list[tuple[str, str]]:
    with pytest.raises(ContractError) as caught:
        decode(key, value, headers)
    return [(error.pointer, error.rule) for error in caught.value.errors]


@given(events)
def test_what_is_encoded_is_decoded_to_the_same(event):
    assert decode(*encode(event)) == event


@given(events)
def test_structured_mode_carries_the_same_event(event):
    value = json.dumps(to_structured(event)).encode()

    assert decode(event.subject.encode(), value, STRUCTURED) == event
    assert parse_structured(json.loads(value)) == event


def test_the_record_looks_as_the_kafka_binding_says():
    event = an_event(sequence=7, dataschema="urn:moat:schema:customer.order.placed.v1", extensions={"tenant": "a"})

    key, value, headers = encode(event)

    assert key == b"C-10001"
    assert json.loads(value) == an_order()
    assert dict(headers) == {
        "ce_id": b"crm-778812",
        "ce_source": b"/crm",
        "ce_type": b"customer.order.placed.v1",
        "ce_specversion": b"1.0",
        "ce_time": b"2026-03-05T08:00:00Z",
        "ce_subject": b"C-10001",
        "ce_dataschema": b"urn:moat:schema:customer.order.placed.v1",
        "ce_sequence": b"7",
        "ce_tenant": b"a",
        "content-type": b"application/json",
    }


def test_a_structured_record_that_repeats_the_headers_is_still_structured():
    value = json.dumps(to_structured(an_event(id="inside"))).encode()
    headers = [*STRUCTURED, *((name, raw) for name, raw in headers_of(ce_id=b"outside") if name != "content-type")]

    assert decode(b"C-10001", value, headers).id == "inside"


@pytest.mark.parametrize("content_type", [b"APPLICATION/CloudEvents+JSON", b" application/cloudevents+json"])
def test_the_content_type_is_read_without_regard_to_case(content_type):
    value = json.dumps(to_structured(an_event())).encode()

    assert decode(b"C-10001", value, [("content-type", content_type)]) == an_event()


@pytest.mark.parametrize("content_type", [None, b"application/json; charset=utf-8", b"application/vnd.crm+json"])
def test_a_json_payload_is_read_whatever_its_json_type(content_type):
    assert decode(b"C-10001", BODY, headers_of(content_type=content_type)) == an_event()


def test_base64_data_is_read_in_structured_mode():
    event = to_structured(an_event()) | {"data_base64": "eyJhIjoxfQ=="}
    del event["data"]

    assert parse_structured(event).data == {"a": 1}


def test_attributes_of_structured_mode_become_their_canonical_text():
    event = parse_structured(to_structured(an_event()) | {"retry": 3, "test": True, "nothing": None, "sequence": 4})

    assert event.extensions == {"retry": "3", "test": "true"}
    assert event.sequence == 4


def test_a_tombstone_has_no_data():
    assert decode(b"C-10001", None, headers_of()).data is None


def test_a_trace_context_is_taken_from_either_header_and_dropped_when_malformed():
    sound = b"00-" + b"a" * 32 + b"-" + b"b" * 16 + b"-01"

    assert decode(b"C-10001", BODY, headers_of(traceparent=sound)).traceparent == sound.decode()
    assert decode(b"C-10001", BODY, headers_of(ce_traceparent=sound)).traceparent == sound.decode()
    assert decode(b"C-10001", BODY, headers_of(traceparent=b"00-xyz")).traceparent is None


def test_headers_of_other_tools_are_no_attributes():
    assert decode(b"C-10001", BODY, [*headers_of(), ("b3", b"\xff"), ("b3", b"0")]) == an_event()


def test_an_instant_with_an_offset_becomes_utc():
    assert decode(b"C-10001", BODY, headers_of(ce_time=b"2026-03-05T16:00:00+08:00")) == an_event()


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({"ce_id": None}, [("/id", "required")]),
        ({"ce_id": None, "ce_time": None}, [("/id", "required"), ("/time", "required")]),
        ({"ce_id": b""}, [("/id", "length")]),
        ({"ce_id": b"x" * 129}, [("/id", "length")]),
        ({"ce_id": b"a\x00b"}, [("/id", "characters")]),
        ({"ce_id": b"\xff"}, [("/id", "utf-8")]),
        ({"ce_source": "ü".encode("latin-1")}, [("/source", "utf-8")]),
        ({"ce_specversion": b"0.3"}, [("/specversion", "specversion")]),
        ({"ce_time": b"2026-03-05T08:00:00"}, [("/time", "instant")]),
        ({"ce_time": b"1772697600"}, [("/time", "instant")]),
        ({"ce_time": b"2026-02-30T08:00:00Z"}, [("/time", "instant")]),
        ({"ce_time": b"0001-01-01T00:00:00+14:00"}, [("/time", "instant")]),
        ({"ce_sequence": b"-1"}, [("/sequence", "sequence")]),
        ({"ce_sequence": b"9223372036854775808"}, [("/sequence", "sequence")]),
        ({"ce_sequence": "٣".encode()}, [("/sequence", "sequence")]),
        ({"ce_dataschema": b""}, [("/dataschema", "length")]),
        ({"ce_Tenant": b"a"}, [("/Tenant", "extension")]),
        ({"content_type": b"text/csv"}, [("/datacontenttype", "content-type")]),
        ({"content_type": b"application/cloudevents+avro"}, [("/datacontenttype", "content-type")]),
        ({"content_type": b"application/cloudevents-batch+json"}, [("/datacontenttype", "content-type")]),
    ],
)
def test_an_unsound_envelope_is_refused_naming_the_attribute(changed, expected):
    assert refusal(b"C-10001", BODY, headers_of(**changed)) == expected


@pytest.mark.parametrize("key", [b"C-10002", b"", b"c-10001", b"C-10001 ", b"\xff", None])
def test_a_key_that_is_not_the_subject_is_refused_in_both_modes(key):
    structured = json.dumps(to_structured(an_event())).encode()

    assert refusal(key, BODY, headers_of()) == [("/subject", "key")]
    assert refusal(key, structured, STRUCTURED) == [("/subject", "key")]


def test_a_header_that_occurs_twice_is_refused():
    assert refusal(b"C-10001", BODY, [*headers_of(), ("ce_id", b"other")]) == [("/id", "duplicate-key")]


@pytest.mark.parametrize(
    ("value", "pointer", "rule"),
    [
        (b"", "/data", "json"),
        (b"{", "/data", "json"),
        (b"[1]", "/data", "type"),
        (b'"text"', "/data", "type"),
        (b"null", "/data", "type"),
        (b"\xff\xfe{}", "/data", "utf-8"),
        (b'\xef\xbb\xbf{"a":1}', "/data", "json"),
        (b'{"amount":"1.00","amount":"9.00"}', "/data/amount", "duplicate-key"),
        (b'{"a":[{"b":{"c":1,"c":1}}]}', "/data/a/0/b/c", "duplicate-key"),
        (b'{"a":"x\\u0000y"}', "/data/a", "nul"),
        (b'{"a":"\\ud83d"}', "/data/a", "surrogate"),
        (b'{"a":NaN}', "/data/a", "number"),
        (b'{"a":1e999}', "/data/a", "number"),
        (b'{"a":' + b"9" * 5000 + b"}", "/data", "number"),
        (b'{"a":"' + b"x" * 5_000_000 + b'"}', "/data", "size"),
    ],
)
def test_junk_is_refused_naming_the_place_and_the_rule(value, pointer, rule):
    assert refusal(b"C-10001", value, headers_of()) == [(pointer, rule)]


def test_junk_in_structured_mode_is_refused_the_same_way():
    twice = json.dumps(to_structured(an_event())).encode()[:-1] + b',"id":"other"}'

    assert refusal(b"C-10001", twice, STRUCTURED) == [("/id", "duplicate-key")]
    assert refusal(b"C-10001", None, STRUCTURED) == [("", "required")]
    assert refusal(b"C-10001", b"[]", STRUCTURED) == [("", "type")]
    assert refusal(b"C-10001", b"x" * 5_000_000, STRUCTURED) == [("", "size")]


@pytest.mark.parametrize(
    ("changed", "pointer", "rule"),
    [
        ({"data": [1]}, "/data", "type"),
        ({"data": {"a": "\x00"}}, "/data/a", "nul"),
        ({"data": {"a": ["\ud800"]}}, "/data/a/0", "surrogate"),
        ({"data": {"a\x00": 1}}, "/data", "text"),
        ({"id": 1.5}, "/id", "type"),
        ({"id": ["x"]}, "/id", "type"),
        ({"id": "\ud800"}, "/id", "surrogate"),
        ({"time": "yesterday"}, "/time", "instant"),
        ({"datacontenttype": "text/plain"}, "/datacontenttype", "content-type"),
        ({"data_base64": "eyJhIjoxfQ=="}, "/data_base64", "data"),
        ({"data": None, "data_base64": "!"}, "/data_base64", "base64"),
        ({"data": None, "data_base64": "e30x"}, "/data", "json"),
    ],
)
def test_a_parsed_event_from_the_http_door_is_checked_as_strictly(changed, pointer, rule):
    with pytest.raises(ContractError) as caught:
        parse_structured(to_structured(an_event()) | changed)

    assert [(error.pointer, error.rule) for error in caught.value.errors] == [(pointer, rule)]


@pytest.mark.parametrize(
    ("changed", "pointer"),
    [
        ({"subject": ""}, "/subject"),
        ({"id": "a\nb"}, "/id"),
        ({"data": None}, "/data"),
        ({"data": {"a": "\x00"}}, "/data/a"),
        ({"data": {"a": "\ud800"}}, "/data"),
        ({"time": an_event().time.replace(tzinfo=None)}, "/time"),
        ({"extensions": {"Bad-Name": "x"}}, "/Bad-Name"),
    ],
)
def test_an_unsound_event_is_never_written(changed, pointer):
    with pytest.raises(ContractError) as caught:
        encode(an_event(**changed))

    assert [error.pointer for error in caught.value.errors] == [pointer]


def test_a_refusal_can_be_seen_from_an_enclosing_document():
    refused = ContractError.at("/data/amount", "amount", "never negative").under("/facts/3")

    assert [error.as_dict() for error in refused.errors] == [
        {"pointer": "/facts/3/data/amount", "rule": "amount", "detail": "never negative"}
    ]
