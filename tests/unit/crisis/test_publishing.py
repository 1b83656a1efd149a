"""What is published: the short way of the commonest events says exactly what their models would."""

from datetime import UTC, datetime, timedelta

import pytest

from services.crisis.domain.grading import change_class
from services.crisis.domain.sla.clock import ClockFact, fold_clock
from services.crisis.publishing_clocks import clock_payload, clock_told
from shared.contracts import crisis as contract
from shared.contracts import format_instant, validate
from tests.support.crisis_books import an_open_file, clock, shipped_books, tools

NOON = datetime(2026, 3, 2, 4, 0, 0, 120_000, tzinfo=UTC)


def told_alike(file, fact, model):
    event = clock_told(file, fact, fired_at=format_instant(NOON))
    assert event.data == clock_payload(file, fact, NOON).to_data()
    assert isinstance(validate(event), model)
    return event


@pytest.mark.parametrize("target", ["acknowledge", "resolution", "update_cadence"])
def test_a_started_clock_is_told_as_its_model_tells_it(target):
    file = an_open_file(NOON, "standard", impact="high")
    started = clock(file, target)
    (result,) = fold_clock(started, shipped_books().promises, NOON)

    event = told_alike(file, ClockFact("started", started, result, NOON), contract.ClockStarted)

    assert event.dataschema == "urn:moat:schema:crisis.clock.started.v1"


def test_a_retargeted_clock_is_told_as_its_model_tells_it():
    file = an_open_file(NOON, "standard", impact="high")

    facts = change_class(file, shipped_books(), tools(NOON), "key", cause="tier_raised")

    retargeted = [fact for fact in facts if fact.kind == "retargeted"]
    assert len(retargeted) == 5
    for fact in retargeted:
        told_alike(file, fact, contract.ClockRetargeted)


def test_clocks_that_warn_and_break_are_told_as_their_models_tell_them():
    file = an_open_file(NOON, "standard")

    facts = file.refold(file.clocks, tools(NOON + timedelta(hours=5)))

    told = {fact.kind: fact for fact in facts}
    told_alike(file, told["warned"], contract.ClockWarned)
    told_alike(file, told["breached"], contract.ClockBreached)
