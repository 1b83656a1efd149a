"""Other versions for what a clock's list names already: read as if recorded so, with the list itself kept."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from services.crisis.domain.clocks import (
    Behaviour,
    Elapsed,
    Pause,
    Policy,
    Reopen,
    Resume,
    Retarget,
    Start,
    Stop,
    Target,
)
from services.crisis.domain.sla.clock import Clock, fold_clock
from services.crisis.domain.sla.pins import Pin, Promises
from services.crisis.domain.sla.records import pins_read

AT = datetime(2026, 3, 2, 2, 0, tzinfo=UTC)
TARGET = "resolution"
HOURS = {"calm@1": 10, "calm@2": 7, "calm@3": 5, "swift@1": 4, "swift@2": 6}


def promises():
    known = Promises()
    for name, hours in HOURS.items():
        target = Target(Elapsed(hours * 3_600_000_000))
        known.add(Pin.parse(name), Policy(name, {TARGET: target}), {})
    return known


KNOWN = promises()


def a_clock(*events, pin="calm@1"):
    clock = Clock("c-1", "case", None, "C-1", TARGET, pin=pin, policy=pin, records=[])
    for event in (Start(at=AT), *events):
        brings = pin if isinstance(event, Start) else event.policy if isinstance(event, Retarget) else None
        clock.record(event, now=event.at, actor="system", pin=brings)
    return clock


def hours(number):
    return AT + timedelta(hours=number)


def retarget(number, pin="swift@1", behaviour=Behaviour.TIGHTEN_ONLY):
    return Retarget(at=hours(number), policy=pin, behaviour=behaviour)


EVENTS = st.lists(
    st.one_of(
        st.builds(lambda n, b: retarget(n, behaviour=b), st.integers(0, 30), st.sampled_from(Behaviour)),
        st.builds(lambda n: Pause(at=hours(n), reason="w"), st.integers(0, 30)),
        st.builds(lambda n: Resume(at=hours(n)), st.integers(0, 30)),
        st.builds(lambda n: Stop(at=hours(n)), st.integers(0, 30)),
        st.builds(lambda n: Reopen(at=hours(n)), st.integers(0, 30)),
    ),
    max_size=8,
)


@given(EVENTS, st.integers(0, 40))
@settings(max_examples=80, deadline=None)
def test_a_repinned_clock_is_folded_as_if_it_had_been_recorded_with_the_other_versions(events, until):
    swap = {"calm@1": "calm@2", "swift@1": "swift@2"}
    asked = a_clock(*events)
    as_if = fold_clock(asked, KNOWN, hours(until), instead=swap)
    asked.repin(swap, now=hours(40), actor="E-1042", cause="recalculated")
    others = [replace(event, policy="swift@2") if isinstance(event, Retarget) else event for event in events]

    wanted = fold_clock(a_clock(*others, pin="calm@2"), KNOWN, hours(until))

    assert fold_clock(asked, KNOWN, hours(until)) == as_if == wanted


def test_what_is_recorded_after_a_repin_is_read_by_its_own_pin():
    clock = a_clock(retarget(1))
    clock.repin({"swift@1": "swift@2"}, now=hours(2), actor="E-1042", cause="recalculated")
    clock.record(retarget(3, "swift@1"), now=hours(3), actor="system", pin="swift@1")

    read = pins_read(clock.records or ())

    assert read == ["calm@1", "swift@2", None, "swift@1"]
    assert [line.policy for line in fold_clock(clock, KNOWN, hours(3), lines=True)[0].lines] == [
        "calm@1",
        "swift@2",
        "swift@1",
    ]


def test_repins_build_on_one_another_and_the_list_keeps_what_was_recorded():
    clock = a_clock()
    clock.repin({"calm@1": "calm@2"}, now=hours(1), actor="E-1042", cause="recalculated")
    clock.repin({"calm@2": "calm@3"}, now=hours(2), actor="E-1042", cause="recalculated")

    (result,) = fold_clock(clock, KNOWN, hours(3))

    assert (clock.pin, clock.policy, *clock.policies_of([result])) == ("calm@3", "calm@3", "calm@3")
    assert result.due_at == hours(5)
    assert [record.pin for record in clock.records or ()] == ["calm@1", None, None]
    assert (clock.pins, clock.pins_in_force) == ({"calm@1", "calm@3"}, {"calm@3"})
