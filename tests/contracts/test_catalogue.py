import importlib
import importlib.util
import re

import pytest

from shared.contracts import TOPICS, event_of, registry, topic_of, validate
from shared.contracts.base import Payload
from shared.contracts.compat import KNOWN
from shared.contracts.examples import event_example, payload_example
from shared.contracts.json_schemas import published_schema, reader_schema

SERVICES = ("scoring", "crisis", "notify")
ALL = list(registry.values())
each_type = pytest.mark.parametrize("entry", ALL, ids=list(registry))
PERSONAL = re.compile(r"phone|mail|address|contact(?!s_)|password|token", re.IGNORECASE)


def fields_of(schema: dict, path: str = "") -> dict[str, dict]:
    """Every field of a schema by its path, parts of payloads included."""
    found: dict[str, dict] = {}
    for branch in (schema, schema.get("items", {}), *schema.get("anyOf", ())):
        for name, field in branch.get("properties", {}).items():
            found[f"{path}/{name}"] = field
            found |= fields_of(field, f"{path}/{name}")
        if "items" in branch and branch is not schema:
            found |= fields_of(branch["items"], path)
    return found


def words_of(schema: object) -> set[str]:
    """The schema keywords that a schema uses, anywhere in it."""
    if isinstance(schema, list):
        return set().union(*map(words_of, schema))
    if not isinstance(schema, dict):
        return set()
    inner = [value for key, value in schema.items() if key not in {"properties", "enum", "default", "required"}]
    return {*schema, *words_of(inner), *words_of(list(schema.get("properties", {}).values()))}


@each_type
def test_a_type_carries_its_producer_its_subject_and_its_version_in_its_name(entry):
    assert re.fullmatch(r"(customer|scoring|crisis|notify)(\.[a-z_]+){1,2}\.v[1-9][0-9]*", entry.type)
    assert entry.type.startswith("customer." if entry.from_outside else f"{entry.producer}.")
    assert topic_of(entry.type) == entry.topic
    assert entry.topic in {topic.name for topic in TOPICS}


@each_type
def test_a_type_and_each_of_its_fields_say_what_they_mean(entry):
    assert entry.model.__doc__ != Payload.__doc__
    assert entry.description.endswith(".")
    assert entry.when.endswith(".")
    for name, field in fields_of(published_schema(entry)).items():
        assert field.get("description", "").endswith("."), name


@each_type
def test_the_example_is_read_and_written_without_loss(entry):
    event = event_example(entry)
    payload = validate(event)

    again = event_of(payload, id=event.id, source=event.source, subject=event.subject, time=event.time)

    assert {key: again.data[key] for key in event.data} == event.data
    assert set(again.data) - set(event.data) <= {
        name for name, field in entry.model.model_fields.items() if not field.is_required()
    }
    assert again.dataschema == f"urn:moat:schema:{entry.type}"


@each_type
def test_the_example_shows_every_field_that_is_always_sent(entry):
    assert set(published_schema(entry).get("required", ())) <= set(payload_example(entry)) | {"max_score"}


@each_type
def test_the_schema_uses_only_words_that_the_compatibility_check_understands(entry):
    assert words_of(reader_schema(entry.model)) <= KNOWN


@pytest.mark.parametrize("entry", [entry for entry in ALL if not entry.from_outside], ids=lambda entry: entry.type)
def test_what_we_publish_has_no_field_for_personal_data(entry):
    assert not [name for name in fields_of(published_schema(entry)) if PERSONAL.search(name)]


def test_every_listener_is_a_service_and_every_type_has_a_producer():
    assert {name for entry in ALL for name in entry.consumers} <= set(SERVICES)
    assert {entry.producer for entry in ALL} == {*SERVICES, "other systems"}


def test_no_service_listens_to_itself():
    assert [entry.type for entry in ALL if entry.producer in entry.consumers] == []


@pytest.mark.parametrize("service", SERVICES)
def test_what_a_service_consumes_is_published_for_it(service):
    name = f"services.{service}.consumers"
    module = importlib.import_module(name) if importlib.util.find_spec(name) else None
    consumed = getattr(module, "CONSUMES", registry.consumed_by(service))

    assert consumed
    for type_ in consumed:
        assert service in registry[type_].consumers, f"{type_} does not name {service} as a listener"


def test_the_names_are_those_of_the_published_list():
    assert sorted(registry) == sorted(PUBLISHED.split())


PUBLISHED = """
customer.profile.updated.v1 customer.order.placed.v1 customer.order.refunded.v1 customer.invoice.issued.v1
customer.invoice.paid.v1 customer.interaction.logged.v1 customer.complaint.received.v1 customer.complaint.updated.v1
customer.complaint.withdrawn.v1 customer.opinion.mentioned.v1 customer.survey.answered.v1 customer.credit.assessed.v1
customer.contract.signed.v1 customer.contract.milestone_missed.v1 customer.contract.breach_reported.v1
customer.contract.terminated.v1 customer.rating.given.v1 customer.merged.v1 customer.erased.v1
scoring.customer.snapshot.v1 scoring.tier.changed.v1 scoring.tier.downgrade_forecast.v1 scoring.signal.raised.v1
scoring.signal.cleared.v1 scoring.review.requested.v1 scoring.review.decided.v1 scoring.review.overdue.v1
scoring.model.activated.v1
crisis.case.opened.v1 crisis.case.updated.v1 crisis.case.severity_changed.v1 crisis.case.stage_changed.v1
crisis.case.acknowledged.v1 crisis.case.resolved.v1 crisis.case.closed.v1 crisis.case.reopened.v1 crisis.case.merged.v1
crisis.case.dismissed.v1 crisis.clock.started.v1 crisis.clock.paused.v1 crisis.clock.resumed.v1
crisis.clock.retargeted.v1 crisis.clock.extended.v1 crisis.clock.due_changed.v1 crisis.clock.warned.v1
crisis.clock.breached.v1 crisis.clock.met.v1 crisis.clock.cancelled.v1 crisis.clock.corrected.v1
crisis.matter.opened.v1 crisis.matter.resolved.v1 crisis.escalation.raised.v1 crisis.rule.tripped.v1
crisis.task.assigned.v1
crisis.task.overdue.v1 crisis.task.done.v1 crisis.promise.made.v1 crisis.promise.broken.v1 crisis.promise.kept.v1
crisis.followup.due.v1 crisis.survey.requested.v1 crisis.retrospective.due.v1 crisis.retrospective.completed.v1
notify.delivery.accepted.v1 notify.delivery.delivered.v1 notify.delivery.failed.v1 notify.delivery.suppressed.v1
notify.delivery.obsolete.v1 notify.message.acknowledged.v1 notify.message.undeliverable.v1 notify.survey.answered.v1
"""
