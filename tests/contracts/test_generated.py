import json
import re
import shutil
from pathlib import Path

import jsonschema_rs
import pytest
import yaml

from shared.contracts import registry
from shared.contracts.generate import ASYNCAPI, PAGES, ROOT, SCHEMAS, generated, main, stale, write

OFFICIAL = Path(__file__).parent / "fixtures" / "asyncapi-3.0.0.json"


@pytest.fixture(scope="module")
def asyncapi():
    return yaml.safe_load((ROOT / ASYNCAPI).read_text(encoding="utf-8"))


@pytest.fixture
def copy_of_the_files(tmp_path):
    for folder in (SCHEMAS, PAGES):
        shutil.copytree(ROOT / folder, tmp_path / folder)
    shutil.copy(ROOT / ASYNCAPI, tmp_path / ASYNCAPI)
    return tmp_path


def test_what_is_committed_is_what_would_be_generated_now():
    assert stale(generated()) == []


def test_the_command_says_that_everything_is_up_to_date(capsys):
    assert main(["--check"]) == 0
    assert "everything is up to date" in capsys.readouterr().out


def test_files_that_were_edited_are_missing_or_left_over_are_noticed_and_mended(copy_of_the_files):
    edited = f"{SCHEMAS}/customer.order.placed.v1.json"
    missing = f"{PAGES}/crisis.case.opened.v1.md"
    left_over = f"{PAGES}/crisis.case.forgotten.v1.md"
    (copy_of_the_files / edited).write_text("{}")
    (copy_of_the_files / missing).unlink()
    (copy_of_the_files / left_over).write_text("# gone")

    assert stale(generated(), copy_of_the_files) == sorted([edited, missing, left_over])
    assert write(generated(), copy_of_the_files) == sorted([edited, missing, left_over])
    assert stale(generated(), copy_of_the_files) == []


def test_the_sample_of_a_type_is_printed_ready_to_be_sent(capsys):
    assert main(["--sample", "customer.order.placed.v1"]) == 0
    assert json.loads(capsys.readouterr().out)["type"] == "customer.order.placed.v1"


def test_the_asyncapi_document_is_valid_by_the_official_schema(asyncapi):
    official = jsonschema_rs.validator_for(json.loads(OFFICIAL.read_text(encoding="utf-8")))

    assert [str(error) for error in official.iter_errors(asyncapi)] == []
    assert not official.is_valid(asyncapi | {"channels": {"facts": {"bindings": {"kafka": {"partitions": "twelve"}}}}})


def test_every_reference_of_the_asyncapi_document_leads_somewhere(asyncapi):
    for reference in re.findall(r"'?\$ref'?: '?#/([^'\n]+)", (ROOT / ASYNCAPI).read_text(encoding="utf-8")):
        place = asyncapi
        for step in reference.split("/"):
            place = place[step]


def test_every_type_travels_on_one_channel_and_is_sent_by_one_operation(asyncapi):
    sent = [
        message["$ref"].rpartition("/")[2]
        for operation in asyncapi["operations"].values()
        if operation["action"] == "send"
        for message in operation["messages"]
    ]

    assert sorted(sent) == sorted(registry)
    assert sorted(name for channel in asyncapi["channels"].values() for name in channel["messages"]) == sorted(registry)


@pytest.mark.parametrize("type_", list(registry))
def test_a_schema_is_sound_and_its_own_example_fits(type_):
    schema = json.loads((ROOT / SCHEMAS / f"{type_}.json").read_text(encoding="utf-8"))

    jsonschema_rs.meta.validate(schema)
    for example in schema["examples"]:
        jsonschema_rs.validator_for(schema).validate(example)


@pytest.mark.parametrize("type_", list(registry))
def test_a_page_names_every_field_the_topic_and_the_standing(type_):
    entry = registry[type_]
    page = (ROOT / PAGES / f"{type_}.md").read_text(encoding="utf-8")

    assert all(f"| `{name}` |" in page for name in entry.model.model_fields)
    assert f"`{entry.topic}`" in page
    assert f"| Status | {entry.status}" in page
    assert f"]({type_}.md)" in (ROOT / PAGES / "README.md").read_text(encoding="utf-8")
