"""Routes and templates as documents: their strict models, and what the rest of notify makes of them."""

from collections.abc import Iterator
from typing import Annotated, Any, Final, Self, cast

from pydantic import Field, StringConstraints, ValidationError, model_validator

from services.notify.domain.routes import Audience, AudienceKind, Condition, Route, Tell, While
from services.notify.domain.urgency import Urgency
from services.notify.rendering import TemplateDocument, Wording, lint
from shared.contracts import FieldError, registry
from shared.documents import Document, InvalidDocument

CHANNELS: Final = ("smtp", "webhook")

Key = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9._\-]{0,63}$")]
Word = Annotated[str, StringConstraints(min_length=1, max_length=128)]
Scalar = str | int | bool
Source = Annotated[str, StringConstraints(min_length=1, max_length=20_000)]

# YAML and JSON give words; the models are strict about everything else.
UrgencyWord = Annotated[Urgency, Field(strict=False)]
WhileWord = Annotated[While, Field(strict=False)]


class Test(Document):
    """A test of one fact of an event."""

    any: list[Scalar] = Field(default_factory=list, description="One of these.")
    none: list[Scalar] = Field(default_factory=list, description="None of these.")
    at_least: int | float | None = Field(None, description="A number not below this.")

    @model_validator(mode="after")
    def _tests_something(self) -> Self:
        if not self.any and not self.none and self.at_least is None:
            raise ValueError("give any, none or at_least")
        return self


class AudienceModel(Document):
    """Exactly one of these says who is meant."""

    role: Word | None = Field(None, description="A role for the customer, such as account_manager.")
    role_from_event: Word | None = Field(None, description="The field of the event that names the role.")
    person: Word | None = Field(None, description="One person.")
    person_from_event: Word | None = Field(None, description="The field of the event that names the person.")
    team: Word | None = Field(None, description="Every member of a team.")
    team_channel: Word | None = Field(None, description="The contact points of a team itself.")

    @model_validator(mode="after")
    def _one(self) -> Self:
        if len(self.model_dump(exclude_none=True)) != 1:
            raise ValueError("exactly one of role, role_from_event, person, person_from_event, team, team_channel")
        return self

    def to_domain(self) -> Audience:
        ((kind, value),) = self.model_dump(exclude_none=True).items()
        return Audience(cast("AudienceKind", kind), value)


class TellModel(Document):
    """One message."""

    audience: AudienceModel
    urgency: UrgencyWord
    template: Key
    channels: list[Word] = Field(default_factory=lambda: list(CHANNELS), min_length=1, max_length=8)
    acknowledge: bool = Field(False, description="Whether the message carries a link to acknowledge.")
    conditions: list[WhileWord] = Field(
        default_factory=lambda: [While.CASE_OPEN], alias="while", description="What must still hold when it is sent."
    )


class RouteDocument(Document):
    """Which events are told to whom, how urgently, in what words, over which channels."""

    key: Key
    title: Annotated[str, StringConstraints(max_length=200)] = ""
    order: int = Field(100, ge=0, le=100_000, description="Routes are tried from the lowest up.")
    events: list[Word] = Field(min_length=1, description="Event types.")
    match: dict[Word, Scalar | list[Scalar] | Test] = Field(default_factory=dict, description="Tests of facts.")
    tell: list[TellModel] = Field(min_length=1, max_length=20)
    go_on: bool = Field(False, alias="continue", description="Whether later routes are tried as well.")
    drills: bool = Field(False, description="Whether drills are told too.")

    def to_domain(self, version: int) -> Route:
        return Route(
            key=self.key,
            version=version,
            order=self.order,
            event_types=frozenset(self.events),
            conditions=tuple(_condition(name, test) for name, test in self.match.items()),
            tells=tuple(_tell(tell) for tell in self.tell),
            goes_on=self.go_on,
            drills=self.drills,
        )


class WordingModel(Document):
    """The words of one language on one channel, as Jinja2."""

    subject: Source
    text: Source
    html: Source | None = Field(None, description="A fragment, for mail.")


class TemplateModel(Document):
    """A message's words, by channel and language."""

    key: Key
    title: Annotated[str, StringConstraints(max_length=200)] = ""
    channels: dict[Word, dict[Word, WordingModel]] = Field(min_length=1)

    def to_domain(self, version: int) -> TemplateDocument:
        return TemplateDocument(
            key=self.key,
            version=version,
            wordings={
                channel: {locale: Wording(w.subject, w.text, w.html) for locale, w in locales.items()}
                for channel, locales in self.channels.items()
            },
        )


def parse_route(body: Any) -> RouteDocument:
    """The route that a document describes; raises InvalidDocument with every reason."""
    try:
        document = RouteDocument.model_validate(body)
    except ValidationError as error:
        raise InvalidDocument.of(error) from None
    problems = list(_route_problems(document))
    if problems:
        raise InvalidDocument(problems)
    return document


def parse_template(body: Any) -> TemplateModel:
    """The template that a document describes, linted; raises InvalidDocument with every reason."""
    try:
        document = TemplateModel.model_validate(body)
    except ValidationError as error:
        raise InvalidDocument.of(error) from None
    problems = list(_template_problems(document))
    if problems:
        raise InvalidDocument(problems)
    return document


def _route_problems(document: RouteDocument) -> Iterator[FieldError]:
    for place, event in enumerate(document.events):
        if event not in registry:
            yield FieldError(f"/events/{place}", "event-type", f"there is no event type {event!r}")
    for place, tell in enumerate(document.tell):
        for index, channel in enumerate(tell.channels):
            if channel not in CHANNELS:
                yield FieldError(
                    f"/tell/{place}/channels/{index}", "channel", f"there is no channel {channel!r}; {_known()}"
                )


def _template_problems(document: TemplateModel) -> Iterator[FieldError]:
    for channel, locales in document.channels.items():
        if channel not in CHANNELS:
            yield FieldError(f"/channels/{channel}", "channel", f"there is no channel {channel!r}; {_known()}")
        if not locales:
            yield FieldError(f"/channels/{channel}", "required", "words in at least one language")
        for locale, wording in locales.items():
            words = Wording(wording.subject, wording.text, wording.html)
            yield from lint(words, at=f"/channels/{channel}/{locale}")


def _known() -> str:
    return f"known are {', '.join(CHANNELS)}"


def _condition(name: str, test: Scalar | list[Scalar] | Test) -> Condition:
    match test:
        case Test():
            return Condition(name, tuple(test.any), tuple(test.none), test.at_least)
        case list():
            return Condition(name, any_of=tuple(test))
        case _:
            return Condition(name, any_of=(test,))


def _tell(tell: TellModel) -> Tell:
    return Tell(
        audience=tell.audience.to_domain(),
        urgency=tell.urgency,
        template=tell.template,
        channels=tuple(dict.fromkeys(tell.channels)),
        acknowledge=tell.acknowledge,
        conditions=frozenset(tell.conditions),
    )
