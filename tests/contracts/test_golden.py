"""One real event per frozen type, never edited: today's code must read them all, with every field that they carry."""

import hashlib
import json
from pathlib import Path

import jsonschema_rs
import pytest

from shared.contracts import decode, encode, loads, parse_structured, registry, validate
from shared.contracts.compat import RELEASED
from shared.contracts.examples import payload_example
from shared.contracts.json_schemas import published_schema, reader_schema

GOLDEN = Path(__file__).parent / "golden"
SAMPLES = sorted(GOLDEN.glob("*.json"))
each_sample = pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.name.removesuffix(".json"))
each_release = pytest.mark.parametrize(
    "kept", sorted(RELEASED.glob("*/*.json")), ids=lambda path: f"{path.parent.name}-{path.name.removesuffix('.json')}"
)


def test_every_frozen_type_has_a_sample_and_every_sample_a_type():
    assert {path.name.removesuffix(".json") for path in SAMPLES} == {entry.type for entry in registry.frozen}


@each_sample
def test_a_sample_is_read_whole(path):
    event = parse_structured(loads(path.read_bytes()))

    read = validate(event).to_data()

    assert event.type == path.name.removesuffix(".json")
    assert {name: read.get(name, ...) for name in event.data} == event.data
    assert decode(*encode(event)) == event


@each_sample
def test_a_sample_fits_the_published_schema(path):
    event = json.loads(path.read_text(encoding="utf-8"))
    entry = registry[event["type"]]
    # What was added later is not in it, and readers do not demand that.
    schema = published_schema(entry) | {"required": reader_schema(entry.model).get("required", [])}

    jsonschema_rs.validator_for(schema).validate(event["data"])


@each_sample
def test_a_sample_is_never_edited(path):
    known = dict(reversed(line.split()) for line in (GOLDEN / "SHA256SUMS").read_text().splitlines())

    assert hashlib.sha256(path.read_bytes()).hexdigest() == known[path.name]


@each_release
def test_a_reader_of_an_old_release_reads_what_is_sent_now(kept):
    type_ = kept.name.removesuffix(".json")
    reader = jsonschema_rs.validator_for(json.loads(kept.read_text(encoding="utf-8"))["schema"])

    reader.validate(json.loads((GOLDEN / kept.name).read_text(encoding="utf-8"))["data"])
    reader.validate(payload_example(registry[type_]))
