"""The shipped routes and templates fit one another, and every template reads well in both languages."""

import pytest

from services.notify.documents import CHANNELS, parse_route, parse_template
from services.notify.domain.happening import Happening
from services.notify.domain.variables import variables_of
from services.notify.domain.wording import LOCALES
from services.notify.kinds import PRESETS, ROUTES, TEMPLATES
from services.notify.reading import happening_of
from services.notify.rendering import render
from shared.contracts import CloudEvent, parse_instant, registry
from shared.documents.parsing import parse_document

ROUTE_FILES = sorted((PRESETS / "routes").glob("*.yaml"))
TEMPLATE_FILES = sorted((PRESETS / "templates").glob("*.yaml"))


def _routes():
    return [parse_route(parse_document(path.read_bytes(), "application/yaml")) for path in ROUTE_FILES]


def _templates():
    found = [parse_template(parse_document(path.read_bytes(), "application/yaml")) for path in TEMPLATE_FILES]
    return {document.key: document.to_domain(1) for document in found}


def _example(type_: str) -> Happening:
    data = registry[type_].model.model_config["json_schema_extra"]["examples"][0]
    at = parse_instant("2026-03-05T08:00:00Z")
    return happening_of(CloudEvent(id="e", source="/t", type=type_, subject="C-1", time=at, data=data))


def test_there_are_presets_and_their_files_are_called_like_them():
    for path in (*ROUTE_FILES, *TEMPLATE_FILES):
        assert parse_document(path.read_bytes(), "application/yaml")["key"] == path.stem
    assert len(ROUTE_FILES) >= 10
    assert len(TEMPLATE_FILES) >= 8


def test_every_route_names_a_template_that_is_shipped_with_words_for_each_channel_and_language():
    templates = _templates()
    for route in _routes():
        for tell in route.tell:
            for channel in CHANNELS:
                assert set(templates[tell.template].wordings[channel]) == set(LOCALES), tell.template


@pytest.mark.parametrize("locale", LOCALES)
@pytest.mark.parametrize("channel", CHANNELS)
def test_every_routed_event_renders_without_holes_in_each_language(locale, channel):
    templates = _templates()
    for route in _routes():
        for type_ in route.events:
            for tell in route.tell:
                wording, _ = templates[tell.template].wording(channel, locale)
                happening = _example(type_)
                variables = {
                    **variables_of(happening),
                    "event_type": type_,
                    "occurred_at": "2026-03-05T08:00:00Z",
                    "recipient_name": "Somebody",
                    "ack_url": "https://moat.example.com/v1/acks/x" if tell.acknowledge else None,
                    "ack_expires_at": "2026-03-12T08:00:00Z",
                }
                content = render(wording, variables, locale=locale, zone="Asia/Shanghai")
                assert happening.text("number") in content.subject + content.text
                assert "None" not in content.subject + content.text + (content.html or "")
                assert "：\n" not in content.text.replace("您好：\n", "").replace("）：\n", "")
                assert type_ not in content.subject + content.text, "an event type is no word for people"
                if tell.acknowledge and channel == "smtp":
                    assert "/v1/acks/x" in content.text


def test_the_examples_in_the_documentation_are_valid_documents():
    parse_route(dict(ROUTES.example))
    parse_template(dict(TEMPLATES.example))
