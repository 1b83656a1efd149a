"""Templates: what is refused when they are saved, and that a defect never means silence."""

import pytest

from services.notify.domain.variables import SAMPLE, VOCABULARY
from services.notify.rendering import CannotRender, TemplateDocument, Wording, lint, render, render_or_fall_back

REFUSED = {
    "an unknown variable": "{{ adress }}",
    "a variable of Jinja": "{{ self }}",
    "an unclosed tag": "{% if title %}",
    "an unknown filter": "{{ title | shell }}",
    "an unknown test": "{% if title is shiny %}x{% endif %}",
    "an attribute": "{{ title.__class__ }}",
    "an item": "{{ title['__class__'] }}",
    "the attr filter": "{{ title | attr('__class__') }}",
    "a call": "{{ title.format() }}",
    "a loop": "{% for i in [1, 2] %}{{ i }}{% endfor %}",
    "a macro": "{% macro m() %}{{ m() }}{% endmacro %}",
    "an include": "{% include 'x' %}",
    "an import": "{% import 'x' as y %}",
    "an extension": "{% extends 'x' %}",
    "a long string": "{{ 'x' * 1000000000 }}",
    "a power": "{{ 9 ** 99999 }}",
    "a padded number": "{{ '%1000000000d' % 1 }}",
    "range": "{{ range(10) }}",
    "too much source": "x" * 20_001,
}


def _problems(text: str) -> list[str]:
    return [error.detail for error in lint(Wording("Subject", text), at="/channels/smtp/en")]


@pytest.mark.parametrize("what", REFUSED)
def test_a_template_is_refused_for(what):
    assert _problems(REFUSED[what])


def test_every_variable_is_allowed_alone_and_with_nothing_in_it():
    for name in VOCABULARY:
        assert _problems(f"{{{{ {name} }}}}") == [], name
    assert set(SAMPLE) == VOCABULARY


def test_a_refusal_names_place_and_variable():
    (error,) = lint(Wording("{{ custmer_name }}", "fine"), at="/channels/smtp/en")

    assert error.pointer == "/channels/smtp/en/subject"
    assert "custmer_name" in error.detail
    assert "customer_name" in error.detail


def test_what_fails_only_when_the_event_tells_nothing_is_found_when_it_is_saved():
    assert _problems("{{ 'level ' + role }}")
    assert _problems("{% if role %}{{ 'level ' + role }}{% endif %}") == []


def test_text_from_customers_is_escaped_in_html_and_left_alone_in_text():
    wording = Wording("{{ title }}", "{{ title }}", "<p>{{ title }}</p>")
    content = render(wording, {"title": "<script>x</script>\r\nBcc: y"}, locale="en", zone="UTC")

    assert "<script>" in content.text
    assert "<script>" not in content.html
    assert content.subject == "<script>x</script> Bcc: y"


def test_an_instant_is_shown_in_the_readers_zone_with_its_name():
    content = render(
        Wording("s", "{{ due_at | local }}"), {"due_at": "2026-03-29T00:30:00Z"}, locale="en", zone="Europe/London"
    )
    later = render(
        Wording("s", "{{ due_at | local }}"), {"due_at": "2026-03-29T01:30:00Z"}, locale="en", zone="Europe/London"
    )

    assert (content.text, later.text) == ("2026-03-29 00:30 (Europe/London)", "2026-03-29 02:30 (Europe/London)")


@pytest.mark.parametrize(
    ("locale", "word"), [("zh-CN", "首次响应"), ("en", "first response"), ("de", "first response")]
)
def test_codes_are_said_in_the_readers_language(locale, word):
    content = render(Wording("s", "{{ target | word }}"), {"target": "first_response"}, locale=locale, zone="UTC")

    assert content.text == word


def test_a_code_without_words_is_shown_as_it_is():
    assert render(Wording("s", "{{ target | word }}"), {"target": "odd"}, locale="en", zone="UTC").text == "odd"


@pytest.mark.parametrize(
    ("wanted", "given"), [("zh-CN", "zh"), ("zh-TW", "zh"), ("en-GB", "en"), ("en", "en"), ("fr-FR", "zh")]
)
def test_the_nearest_language_is_taken(wanted, given):
    document = TemplateDocument("t", 1, {"smtp": {"zh-CN": Wording("zh", "zh"), "en": Wording("en", "en")}})
    content = render_or_fall_back(document, {}, channel="smtp", locale=wanted, zone="UTC")

    assert (content.text, content.defect) == (given, None)


BROKEN = TemplateDocument("t", 1, {"smtp": {"en": Wording("ok", "{{ 1 / 0 }}")}})


@pytest.mark.parametrize("document", [None, BROKEN, TemplateDocument("t", 1, {"webhook": {"en": Wording("x", "x")}})])
def test_a_template_that_fails_is_replaced_by_plain_facts_and_says_so(document):
    content = render_or_fall_back(document, SAMPLE, channel="smtp", locale="en", zone="UTC")

    assert content.defect
    for fact in ("CR-2026-000117", "S2", "Third late delivery", SAMPLE["ack_url"]):
        assert fact in content.subject + content.text


def test_the_plain_facts_bear_an_event_that_tells_nothing():
    content = render_or_fall_back(None, {}, channel="smtp", locale="zh-CN", zone="Nowhere/Land")

    assert content.defect


def test_a_broken_wording_says_where():
    with pytest.raises(CannotRender, match="ZeroDivisionError"):
        render(BROKEN.wordings["smtp"]["en"], {}, locale="en", zone="UTC")


def test_a_very_long_rendering_is_cut():
    content = render(
        Wording("{{ title }}", "{{ title }}", "{{ title }}"), {"title": "x" * 100_000}, locale="en", zone="UTC"
    )

    assert len(content.subject) <= 400
    assert len(content.text) == 64_000
    assert content.html is None
