"""Templates become text: a sandboxed Jinja2 that knows one flat list of names and two filters.

`{{ target | word }}` says a code in the reader's language; `{{ due_at | local }}` says an instant in the reader's zone.
There are no globals, loops, calls or attributes: a template fills in and chooses, and cannot run for long.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from jinja2 import StrictUndefined, Template, TemplateError, nodes, pass_context
from jinja2.runtime import Context
from jinja2.sandbox import ImmutableSandboxedEnvironment

from services.notify.domain.variables import SAMPLE, VOCABULARY
from services.notify.domain.wording import best_locale, word
from shared.contracts import FieldError, parse_instant

MOST_CHARACTERS: Final = 64_000
"""A longer rendering is cut: mail programs and webhook receivers choke on more."""
MOST_SOURCE: Final = 20_000
_REFUSED: Final = (
    nodes.For,
    nodes.Assign,
    nodes.AssignBlock,
    nodes.With,
    nodes.FilterBlock,
    nodes.Macro,
    nodes.CallBlock,
    nodes.Call,
    nodes.Block,
    nodes.Extends,
    nodes.Include,
    nodes.Import,
    nodes.FromImport,
    nodes.Getattr,
    nodes.Getitem,
    nodes.Mul,
    nodes.Pow,
    nodes.Mod,
)
"""What could run for long, fill the memory or reach into objects; the sandbox is the second wall."""


@dataclass(frozen=True, slots=True)
class Wording:
    """The sources of one template on one channel in one language."""

    subject: str
    text: str
    html: str | None = None


@dataclass(frozen=True, slots=True)
class TemplateDocument:
    """One version of a template: wordings by channel and locale."""

    key: str
    version: int
    wordings: Mapping[str, Mapping[str, Wording]]

    def wording(self, channel: str, locale: str) -> tuple[Wording, str] | None:
        """The wording nearest to `locale` and the locale it is in; None when the channel has none."""
        offered = self.wordings.get(channel)
        if not offered:
            return None
        chosen = best_locale(locale, tuple(offered))
        return offered[chosen], chosen


@dataclass(frozen=True, slots=True)
class Content:
    """What is sent. `html` is a fragment for the channel's own page; `defect` says that a fallback is used."""

    subject: str
    text: str
    html: str | None
    locale: str
    defect: str | None = None


class CannotRender(Exception):  # noqa: N818 - a named fact
    """The template failed on these values; the message says where."""


def render(
    wording: Wording, variables: Mapping[str, Any], *, locale: str, zone: str, reading_locale: str | None = None
) -> Content:
    """Fill in a wording. Raises CannotRender; a None is written as nothing."""
    named = {**dict.fromkeys(VOCABULARY), **variables, "_locale": locale, "_zone": zone}
    try:
        subject = _compiled(wording.subject, escaped=False).render(named)
        text = _compiled(wording.text, escaped=False).render(named)
        html = None if wording.html is None else _compiled(wording.html, escaped=True).render(named)
    except Exception as error:
        raise CannotRender(f"{type(error).__name__}: {str(error)[:300]}") from error
    one_line = " ".join(subject.split())[:400]
    cut = None if html is None or len(html) > MOST_CHARACTERS else html
    return Content(one_line, text[:MOST_CHARACTERS], cut, reading_locale or locale)


def render_or_fall_back(
    document: TemplateDocument | None, variables: Mapping[str, Any], *, channel: str, locale: str, zone: str
) -> Content:
    """Fill in the template's wording for a reader; when that fails, plain facts: a defect must never mean silence."""
    found = None if document is None else document.wording(channel, locale)
    if found is None:
        return _plain(variables, locale, zone, f"there is no wording for {channel}")
    wording, chosen = found
    try:
        return render(wording, variables, locale=chosen, zone=zone)
    except CannotRender as defect:
        return _plain(variables, locale, zone, str(defect))


def lint(wording: Wording, *, at: str) -> Iterator[FieldError]:
    """Everything that is wrong with a wording: syntax, names that are not known, values that it cannot bear."""
    sound = True
    for name, source in (("subject", wording.subject), ("text", wording.text), ("html", wording.html)):
        if source is None:
            continue
        for problem in _problems(source):
            sound = False
            yield FieldError(f"{at}/{name}", "template", problem)
    if not sound:
        return
    for values, what in ((SAMPLE, "on the sample"), ({}, "when the event tells nothing")):
        try:
            render(wording, values, locale="en", zone="UTC")
        except CannotRender as error:
            yield FieldError(at, "template", f"fails {what}: {error}")


def _problems(source: str) -> Iterator[str]:
    if len(source) > MOST_SOURCE:
        yield f"{len(source)} characters; at most {MOST_SOURCE}"
        return
    try:
        tree = _TEXT.parse(source)
    except TemplateError as error:
        yield f"{type(error).__name__}: {error}"
        return
    refused = sorted({type(node).__name__ for node in tree.find_all(_REFUSED)})
    for name in refused:
        yield f"{name} is not for templates of messages: they fill in, choose by `if` and use filters"
    unknown = sorted({node.name for node in tree.find_all(nodes.Name)} - VOCABULARY)
    for name in unknown:
        yield f"there is no variable {name!r}; known are {', '.join(sorted(VOCABULARY))}"
    if refused or unknown:
        return  # compiling is for what has been found harmless
    try:
        _TEXT.from_string(source)
    except TemplateError as error:
        yield f"{type(error).__name__}: {error}"


@pass_context
def _word(context: Context, code: object) -> str:
    return "" if code is None else word(str(code), context["_locale"])


@pass_context
def _local(context: Context, instant: object) -> str:
    """The instant as the reader's clock shows it, with the zone's name: times without one are misread."""
    if instant is None:
        return ""
    zone = context["_zone"]
    try:
        moment = parse_instant(str(instant)).astimezone(ZoneInfo(zone))
    except (ValueError, ZoneInfoNotFoundError):
        return str(instant)
    return f"{moment:%Y-%m-%d %H:%M} ({zone})"


def _environment(*, escaped: bool) -> ImmutableSandboxedEnvironment:
    environment = ImmutableSandboxedEnvironment(
        autoescape=escaped,
        undefined=StrictUndefined,
        optimized=False,  # folding constants would run what a template asks for while it is being looked at
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=lambda value: "" if value is None else value,
    )
    environment.globals.clear()
    environment.filters = {
        name: environment.filters[name] for name in ("default", "lower", "upper", "truncate", "trim", "join", "replace")
    }
    environment.filters.update(word=_word, local=_local)
    return environment


_TEXT: Final = _environment(escaped=False)
_HTML: Final = _environment(escaped=True)


@lru_cache(maxsize=512)
def _compiled(source: str, *, escaped: bool) -> Template:
    return (_HTML if escaped else _TEXT).from_string(source)


_PLAIN: Final = Wording(
    subject="[Moat] {{ event_type | word }} {{ case_number }}",
    text=(
        "{{ event_type | word }}\n\n"
        "{% if case_number %}{{ case_number }}  {{ severity }}\n{% endif %}"
        "{% if customer_name or customer_id %}{{ customer_name or customer_id }}\n{% endif %}"
        "{% if title %}{{ title }}\n{% endif %}"
        "{% if due_at %}{{ target | word }}: {{ due_at | local }}\n{% endif %}"
        "{% if ack_url %}\n{{ ack_url }}\n{% endif %}"
    ),
)


def _plain(variables: Mapping[str, Any], locale: str, zone: str, defect: str) -> Content:
    content = render(_PLAIN, variables, locale=locale, zone=zone)
    return Content(content.subject, content.text, None, locale, defect)
