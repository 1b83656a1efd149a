"""Figures count events, not deliveries, and tell how long a fact took to become a message."""

from datetime import UTC, datetime

import pytest

from services.commands.demo.figures import Figures, quantile
from shared.bus.port import Received
from shared.contracts import CloudEvent, encode, registry

NOON = datetime(1998, 4, 6, 12, tzinfo=UTC)


def test_an_event_that_is_delivered_twice_counts_once():
    figures = Figures()
    figures.take(_record("scoring.tier.changed.v1", id="e1"))
    figures.take(_record("scoring.tier.changed.v1", id="e1"))

    assert figures.events == {"scoring.tier.changed.v1": 1}


def test_time_to_a_message_runs_from_the_complaint_to_the_first_accepted_delivery_in_any_order_of_arrival():
    fact = _record("customer.complaint.received.v1", id="complaint", ms=1_000)
    opened = _record(
        "crisis.case.opened.v1",
        id="opened",
        ms=1_010,
        trigger={"event_id": "complaint", "type": "t", "at": "", "summary": ""},
    )
    later = _record("notify.delivery.accepted.v1", id="d2", ms=1_900, event_id="opened")
    first = _record("notify.delivery.accepted.v1", id="d1", ms=1_050, event_id="opened")

    figures = Figures()
    for record in (later, first, opened, fact):
        figures.take(record)

    assert figures.told_after() == [0.05]


def test_a_clock_that_was_stopped_after_its_breach_is_missed():
    figures = Figures()
    figures.take(_record("crisis.clock.started.v1", id="1"))
    figures.take(_record("crisis.clock.breached.v1", id="2", has_breached=True))
    figures.take(_record("crisis.clock.met.v1", id="3", has_breached=True))

    (targets,) = figures.attainment().values()
    assert list(targets.values()) == [{"missed": 1}]


@pytest.mark.parametrize(("share", "expected"), [(0.5, 2), (0.99, 4), (0.0, 1)])
def test_a_quantile_is_one_of_the_values(share, expected):
    assert quantile([4, 1, 3, 2], share) == expected


def test_there_is_no_quantile_of_nothing():
    assert quantile([], 0.5) is None


def _record(type_, *, id, ms=0, **changed):
    entry = registry[type_]
    example = entry.model.model_config["json_schema_extra"]["examples"][0]
    event = CloudEvent(
        id=id, source="test", type=type_, subject="C-1", time=NOON, data={**example, "customer_id": "C-1", **changed}
    )
    encoded = encode(event)
    return Received("t", 0, 0, ms, encoded.key, encoded.value, encoded.headers)
