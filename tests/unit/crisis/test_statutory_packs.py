"""Statutory packs: every shipped one is valid and gives the published limits; what is written wrongly is refused."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
import yaml

from services.crisis.documents.compiling import calendars_of
from services.crisis.documents.statutory_packs import parse_statutory_pack
from services.crisis.domain.clocks import Start, fold
from services.crisis.domain.sla.pins import Pin, Promises
from services.crisis.domain.sla.statutes import STATUTORY_TARGETS, Owed, next_extension, obligations
from shared.contracts import format_instant
from shared.documents import InvalidDocument
from shared.worktime import Calendar, parse_calendar, publish
from tests.support.crisis_books import documents

PRESETS = Path(__file__).parents[3] / "services/crisis/presets"
PACKS = sorted((PRESETS / "statutory-packs").glob("*.yaml"))
RECEIVED = datetime(2026, 3, 2, 2, 0, tzinfo=UTC)
"""Monday, 10:00 in Shanghai; Sunday evening in New York."""


def content(path):
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def shipped(key):
    return parse_statutory_pack(content(PRESETS / "statutory-packs" / f"{key}.yaml"))


def promised(document):
    """The pack with the shipped calendars, as the engine pins it."""
    named = calendars_of(document)
    calendars = {
        key: Calendar(publish(parse_calendar(content(PRESETS / "calendars" / f"{key}.yaml")))) for key in named
    }
    promises = Promises()
    pin = Pin(f"statutory:{document.key}", 1, tuple((key, 1) for key in named))
    promises.add(pin, document.to_policy(), calendars)
    return document.to_pack(pin.name), promises


def due_instants(key):
    pack, promises = promised(shipped(key))
    part = promises.part(pack.pin, pack.targets)
    found = fold(part, (Start(at=RECEIVED),), calendars=promises.calendars, until=RECEIVED)
    assert all(result.statutory for result in found)
    return {result.target: format_instant(result.due_at) for result in found}


@pytest.mark.parametrize("path", PACKS, ids=lambda path: path.stem)
def test_a_shipped_pack_is_whole_and_says_that_it_is_no_advice(path):
    document = parse_statutory_pack(content(path))
    pack, _ = promised(document)

    assert document.key == path.stem
    assert set(pack.targets) <= set(STATUTORY_TARGETS)
    assert "not legal advice" in document.disclaimer["en"]
    assert "不构成法律意见" in document.disclaimer["zh-CN"]
    assert all(pack.sources[target] for target in pack.targets)


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        ("uk-fca-disp", {"final_answer": "2026-04-27T23:00:00Z"}),
        ("uk-fca-disp-payment", {"final_answer": "2026-03-23T17:30:00Z"}),
        (
            "au-asic-rg271",
            {"statutory_acknowledge": "2026-03-03T02:00:00Z", "final_answer": "2026-04-01T13:00:00Z"},
        ),
        (
            "au-asic-rg271-superannuation",
            {"statutory_acknowledge": "2026-03-03T02:00:00Z", "final_answer": "2026-04-16T14:00:00Z"},
        ),
        (
            "au-asic-rg271-credit",
            {"statutory_acknowledge": "2026-03-03T02:00:00Z", "final_answer": "2026-03-23T13:00:00Z"},
        ),
        (
            "ie-cpc",
            {
                "statutory_acknowledge": "2026-03-09T17:30:00Z",
                "statutory_update": "2026-03-31T16:30:00Z",
                "final_answer": "2026-04-29T16:30:00Z",
            },
        ),
        ("us-cfpb", {"statutory_response": "2026-03-17T04:00:00Z", "final_answer": "2026-05-01T04:00:00Z"}),
        ("cn-bank-insurance", {"final_answer": "2026-03-17T16:00:00Z"}),
        (
            "cn-market-regulation",
            {
                "statutory_acknowledge": "2026-03-11T10:00:00Z",
                "statutory_response": "2026-03-11T10:00:00Z",
                "final_answer": "2026-05-08T10:00:00Z",
            },
        ),
        (
            "cn-telecom-appeal",
            {
                "statutory_acknowledge": "2026-03-09T10:00:00Z",
                "statutory_response": "2026-03-17T16:00:00Z",
                "final_answer": "2026-04-01T16:00:00Z",
            },
        ),
        (
            "cn-public-opinion-major",
            {"statutory_response": "2026-03-02T07:00:00Z", "final_answer": "2026-03-03T02:00:00Z"},
        ),
        ("cn-public-opinion-other", {"statutory_response": "2026-03-04T02:00:00Z"}),
    ],
)
def test_a_pack_gives_the_published_limits(key, expected):
    assert due_instants(key) == expected


def test_every_shipped_pack_has_its_limits_in_the_table_above():
    (mark,) = test_a_pack_gives_the_published_limits.pytestmark

    assert {key for key, _ in mark.args[1]} == {path.stem for path in PACKS}


@pytest.mark.parametrize(
    ("key", "limits"),
    [
        ("cn-bank-insurance", ["2026-04-01T16:00:00Z", "2026-05-01T16:00:00Z"]),
        ("uk-fca-disp-payment", ["2026-04-22T16:30:00Z"]),
        ("uk-fca-disp", []),
    ],
)
def test_extensions_reach_as_far_as_the_regime_allows_and_no_further(key, limits):
    pack, promises = promised(shipped(key))
    due, found = RECEIVED, []
    while (extended := next_extension(pack, promises, origin=RECEIVED, due=due)) is not None:
        due = extended[1]
        found.append(format_instant(due))

    assert found == limits


def test_the_notice_of_an_extension_is_owed_until_the_limit_before_it():
    policy = shipped("cn-bank-insurance").to_policy()

    assert policy.targets["extension_notice"].duration == policy.targets["extended_1"].duration


def test_due_is_the_stricter_of_contract_and_statute_and_both_are_told():
    def owed(target, day, matter="m1", *, statutory=False):
        return Owed(f"{matter}-{target}", matter, target, "p@1", RECEIVED.replace(day=day), statutory)

    contract, law = owed("resolution", 9), owed("final_answer", 8, statutory=True)
    own = owed("update_cadence", 4, matter=None)
    update = owed("statutory_update", 5, statutory=True)
    alone = owed("statutory_response", 6, statutory=True)

    found = {one.target: one for one in obligations([contract, law, own, update, alone, owed("resolution", 3, "m2")])}

    assert (found["resolution"].stricter, found["resolution"].due_at.day) == ("statute", 8)
    assert found["resolution"].contract == contract
    assert (found["update_cadence"].stricter, found["update_cadence"].due_at.day) == ("contract", 4)
    assert (found["first_response"].stricter, found["first_response"].contract) == ("statute", None)


STEP = {
    "step": {"zh-CN": "答复", "en": "Answer"},
    "limit": "15 days",
    "unit": "calendar_days",
    "rule": "Rule 1",
    "source": "Gazette",
    "established": "primary",
}
PROMISE = {"target": "final_answer", "promise": {"period": "P15D", "calendar": "cn-office"}}
PACK = {
    "key": "x",
    "regime": "X",
    "jurisdiction": "CN",
    "name": {"zh-CN": "某", "en": "X"},
    "disclaimer": {"zh-CN": "非法律意见", "en": "not legal advice"},
    "steps": [{**STEP, **PROMISE}],
}


@pytest.mark.parametrize(
    ("changes", "pointer", "rule"),
    [
        ({"steps": [STEP]}, "", "no-clock"),
        ({"steps": [{**STEP, "target": "final_answer"}]}, "/steps/0", "target-and-promise"),
        ({"steps": [{**STEP, **PROMISE}, {**STEP, **PROMISE}]}, "", "repeated-target"),
        ({"steps": [{**STEP, **PROMISE, "promise": {"elapsed": "P1D"}}]}, "/steps/0/promise/elapsed", "time-units"),
        ({"name": {"en": "X"}}, "/name", "length"),
        ({"disclaimer": {}}, "/disclaimer", "length"),
        ({"effective_from": "2026-02-01", "effective_to": "2026-01-01"}, "", "inverted-dates"),
        (
            {"extensions": [{"promise": {"elapsed": "PT1H"}, "rule": "r", "statutory": 1}]},
            "/extensions/0/statutory",
            "unknown-field",
        ),
    ],
)
def test_a_pack_that_does_not_hold_together_is_refused(changes, pointer, rule):
    with pytest.raises(InvalidDocument) as refusal:
        parse_statutory_pack({**PACK, **changes})

    error = refusal.value.errors[0]
    assert (error.pointer, error.rule) == (pointer, rule)


def test_a_pack_holds_for_what_was_received_while_it_was_in_force():
    pack = parse_statutory_pack({**PACK, "effective_from": "2026-01-01", "effective_to": "2026-06-30"}).to_pack("x@1")

    days = [pack.holds_on(datetime.fromisoformat(day).date()) for day in ("2025-12-31", "2026-01-01", "2026-07-01")]
    assert days == [False, True, False]


def test_shipped_packs_hold_since_the_dates_that_were_established():
    since = {raw["key"]: raw["effective_from"] for raw in documents("statutory-packs") if "effective_from" in raw}

    assert since == {
        "au-asic-rg271": "2021-10-05",
        "au-asic-rg271-credit": "2021-10-05",
        "au-asic-rg271-superannuation": "2021-10-05",
        "cn-bank-insurance": "2020-03-01",
        "cn-market-regulation": "2020-01-01",
        "cn-telecom-appeal": "2016-07-30",
        "ie-cpc": "2012-01-01",
        "uk-fca-disp": "2016-06-30",
        "uk-fca-disp-payment": "2018-01-13",
    }
    for raw in documents("statutory-packs"):
        assert ("left open" in raw["note"]["en"]) is (raw["key"] not in since)
