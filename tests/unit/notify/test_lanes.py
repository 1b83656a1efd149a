"""One at a time per recipient and case, and the newer one instead of the older."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from services.notify.domain.lanes import Waiting, choose

NOON = datetime(2026, 3, 5, 12, 0, tzinfo=UTC)


def _waiting(
    id_: str, *, lane: str = "l", rank: int = 1, at: int = 0, sending: bool = False, ready: bool = True
) -> Waiting:
    return Waiting(id_, lane, rank, NOON + timedelta(minutes=at), sending, ready)


def test_a_newer_one_takes_the_place_of_an_older_one():
    choice = choose([_waiting("a", at=0), _waiting("b", at=1), _waiting("c", at=2)])

    assert choice.send == ("c",)
    assert dict(choice.superseded) == {"a": "c", "b": "c"}


def test_a_less_pressing_one_does_not_take_the_place_of_a_more_pressing_one():
    choice = choose([_waiting("critical", rank=0, at=0), _waiting("normal", rank=2, at=1)])

    assert (choice.send, choice.superseded) == (("critical",), ())


def test_those_of_one_instant_are_all_sent_one_after_the_other():
    both = [_waiting("a"), _waiting("b")]

    assert choose(both).send == ("a",)
    assert choose([_waiting("b")]).send == ("b",)
    assert choose(both).superseded == ()


def test_one_that_is_being_sent_keeps_its_lane_and_is_not_superseded():
    choice = choose([_waiting("a", sending=True), _waiting("b", at=1)])

    assert (choice.send, choice.superseded) == ((), ())


def test_one_that_waits_for_its_next_try_gives_way_as_well():
    choice = choose([_waiting("a", ready=False), _waiting("b", at=1)])

    assert (choice.send, dict(choice.superseded)) == (("b",), {"a": "b"})


_deliveries = st.lists(
    st.builds(
        Waiting,
        id=st.uuids().map(str),
        lane=st.sampled_from(["x", "y", "z"]),
        rank=st.integers(0, 3),
        made_at=st.integers(0, 5).map(lambda minutes: NOON + timedelta(minutes=minutes)),
        sending=st.booleans(),
        ready=st.booleans(),
    ),
    unique_by=lambda waiting: waiting.id,
    max_size=12,
)


@given(_deliveries)
def test_whatever_waits_at_most_one_leaves_per_lane_and_nothing_vanishes_without_a_successor(waiting):
    choice = choose(waiting)
    by_id = {delivery.id: delivery for delivery in waiting}
    sent_lanes = [by_id[id_].lane for id_ in choice.send]

    assert len(sent_lanes) == len(set(sent_lanes))
    for lane in sent_lanes:
        assert not any(d.sending for d in waiting if d.lane == lane)
    superseded = dict(choice.superseded)
    assert not superseded.keys() & set(choice.send)
    for old, new in superseded.items():
        assert by_id[new].lane == by_id[old].lane
        assert by_id[new].made_at > by_id[old].made_at
        assert by_id[new].rank <= by_id[old].rank
        assert not by_id[old].sending
        assert not by_id[new].sending
        assert new not in superseded, "the successor itself must stay"


@given(_deliveries)
def test_the_order_in_which_rows_are_read_does_not_matter(waiting):
    forward, backward = choose(waiting), choose(list(reversed(waiting)))

    assert set(forward.send) == set(backward.send)
    assert dict(forward.superseded) == dict(backward.superseded)
