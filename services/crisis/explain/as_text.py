"""An explanation for people, as plain text in Chinese or English."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from unicodedata import east_asian_width
from zoneinfo import ZoneInfo

from services.crisis.domain.sla.records import Record
from services.crisis.domain.sla.repins import Repin
from services.crisis.explain.explained import Explained, Explanation, Sums
from services.crisis.explain.headings import HEADINGS
from services.crisis.explain.naming import shown
from services.crisis.explain.spans import span_in
from services.crisis.explain.why import why
from services.crisis.explain.words import BREACH, Language, Names, civil, reason_in, target_in, term, weekday_of

_MICROSECONDS = 1_000_000


def as_text(explanation: Explanation, language: Language) -> str:
    """Every clock and cycle: what is promised and why, each stretch of its life, the sums, warnings and events."""
    said = HEADINGS[language]
    lines = [
        said["title"].format(number=explanation.number),
        said["zone"].format(zone=explanation.zone.key, at=civil(explanation.at, explanation.zone, language)),
    ]
    if not explanation.clocks:
        lines += ["", said["no_clocks"]]
    for clock in explanation.clocks:
        lines += ["", *_clock(clock, explanation.zone, language)]
    return "\n".join(line.rstrip() for line in lines) + "\n"


def _clock(clock: Explained, zone: ZoneInfo, language: Language) -> Iterator[str]:
    said, result = HEADINGS[language], clock.result
    states = dict.fromkeys((term(result.stage.value, language), term(clock.health, language)))
    heading = said["clock"].format(
        target=target_in(result.target, language), cycle=result.cycle, states=" · ".join(states)
    )
    yield heading
    yield "=" * _width(heading)
    facts = [
        (said["promise"], " · ".join(_promise(clock, language))),
        (said["started"], civil(result.started_at, zone, language)),
        (said["due"], _due(clock, zone, language)),
        (said["breached"], _breach(clock, zone, language)),
        (said["stopped"], None if result.stopped_at is None else civil(result.stopped_at, zone, language)),
        (said["result"], term(result.result.value, language)),
    ]
    yield from _table([(f"{name}", value) for name, value in facts if value is not None])
    yield from ("", said["lines"])
    for number, line in enumerate(result.lines, 1):
        due = civil(line.due_at or line.due_if_resumed_now, zone, language)
        mark = said["governs"] if line.governs and len(result.lines) > 1 else ""
        yield f"  {number}. {due}{mark}"
        yield f"     {why(line, clock, zone, language)}"
    yield from ("", said["segments"], *_segments(clock, zone, language))
    yield from _calendar(clock, zone, language)
    yield from ("", said["sums"], f"  {_sums(clock.sums, language)}")
    yield from _warnings(clock, zone, language)
    yield from ("", said["events"], *_events(clock, zone, language))


def _promise(clock: Explained, language: Language) -> Iterator[str]:
    """Whose promise it is, by its documents."""
    said, result = HEADINGS[language], clock.result
    yield said["policy"].format(name=shown(clock.about.policy))
    if result.calendar is not None:
        zone = clock.about.zones.get(result.calendar)
        yield said["calendar"].format(name=shown(result.calendar)) + (f" ({zone})" if zone else "")
    if result.department is not None:
        yield said["department"].format(name=term(result.department, language))
    if result.statutory:
        yield said["statutory"]
        yield from (told for told in (clock.about.regime, clock.about.source) if told is not None)


def _due(clock: Explained, zone: ZoneInfo, language: Language) -> str:
    said, result = HEADINGS[language], clock.result
    due = civil(result.due_if_resumed_now, zone, language)
    text = due if result.due_at is not None else said["if_resumed"].format(due=due)
    return text + (said["provisional"] if result.provisional else "")


def _breach(clock: Explained, zone: ZoneInfo, language: Language) -> str | None:
    result = clock.result
    if result.breached_at is None or result.breach_cause is None:
        return None
    return f"{civil(result.breached_at, zone, language)} · {BREACH[result.breach_cause.value][language]}"


def _segments(clock: Explained, zone: ZoneInfo, language: Language) -> Iterable[str]:
    return _table(
        [
            (
                civil(segment.begin, zone, language),
                "→",
                civil(segment.end, zone, language),
                term(segment.state.value, language),
                span_in(_micros(segment.begin, segment.end), language),
                "" if segment.reason == "running" else reason_in(segment.reason, language, clock.about.names),
            )
            for segment in clock.result.segments
        ]
    )


def _calendar(clock: Explained, zone: ZoneInfo, language: Language) -> Iterator[str]:
    """The days off and the make-up workdays from the start to the due instant."""
    said = HEADINGS[language]
    days = [
        (civil(off.begin, zone, language), "→", civil(off.end, zone, language), reason_in(off.reason, language))
        for off in clock.days_off
    ]
    if days or clock.worked:
        yield from ("", said["on_the_way"].format(name=shown(clock.result.calendar or "")), *_table(days))
        for day in clock.worked:
            yield f"  {day.isoformat()} {weekday_of(day, language)}: {said['make_up']}"


def _micros(begin: datetime, end: datetime) -> int:
    length = end - begin
    return (length.days * 86_400 + length.seconds) * _MICROSECONDS + length.microseconds


def _sums(sums: Sums, language: Language) -> str:
    said = HEADINGS[language]
    amounts = (("counted", sums.counted), ("closed", sums.closed), ("paused", sums.paused), ("stopped", sums.stopped))
    parts = " + ".join(f"{term(name, language)} {span_in(amount, language)}" for name, amount in amounts if amount)
    verdict = said["adds_up"] if sums.agree else said["adds_up_not"]
    return f"{parts or span_in(0, language)} = {said['real']} {span_in(sums.real, language)} {verdict}"


def _warnings(clock: Explained, zone: ZoneInfo, language: Language) -> Iterator[str]:
    said, result = HEADINGS[language], clock.result
    fired = [(one.threshold, civil(one.at, zone, language), said["fired"]) for one in result.warnings]
    planned = [
        (one.threshold, civil(one.at, zone, language), said["planned"])
        for one in result.ahead
        if one.threshold is not None
    ]
    if fired or planned:
        yield from ("", said["warnings"], *_table([*fired, *planned]))


def _events(clock: Explained, zone: ZoneInfo, language: Language) -> Iterable[str]:
    """Each recorded event, who recorded it, and when, where that was later."""
    said = HEADINGS[language]
    rows = []
    for record in clock.records:
        event = record.event
        words = _details(record, language, clock.about.names)
        if record.pin is not None:
            words.append(said["policy"].format(name=shown(record.pin)))
        if record.cause is not None:
            words.append(said["cause"].format(cause=record.cause))
        late = "" if record.recorded_at <= event.at else civil(record.recorded_at, zone, language)
        rows.append(
            (
                f"#{record.seq}",
                civil(event.at, zone, language),
                term(type(event).__name__.lower(), language),
                said["by"].format(actor=record.actor),
                " · ".join([*words, *([said["recorded"].format(at=late)] if late else [])]),
            )
        )
    return _table(rows)


def _details(record: Record, language: Language, names: Names) -> list[str]:
    if isinstance(record.event, Repin):
        return [f"{_pin(before)} → {_pin(after)}" for before, after in record.event.pins.items()]
    return [reason_in(str(value), language, names) for value in record.detail.values() if value is not None]


def _pin(name: str) -> str:
    return ", ".join(shown(part) for part in name.split(";"))


def _table(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """Columns padded to their widest cell; Chinese characters are two columns wide."""
    if not rows:
        return
    widths = [max(_width(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        yield (
            "  "
            + "  ".join(cell + " " * (width - _width(cell)) for cell, width in zip(row, widths, strict=True)).rstrip()
        )


def _width(text: str) -> int:
    if text.isascii():
        return len(text)
    return sum(2 if east_asian_width(character) in "WF" else 1 for character in text)
