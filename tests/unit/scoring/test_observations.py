"""What a batch of facts says: of several tellings of one thing the later wins, in any order."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from services.scoring.store.observations import PURCHASE, Observations
from services.scoring.usecases.observe import MOST_REACH, observe
from shared.contracts import validate
from tests.support.facts import MONDAY, a_mention, an_answer, an_order

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
instants = st.integers(0, 3).map(lambda hours: NOON + timedelta(hours=hours))
tellings = st.tuples(instants, instants, st.just("CNY"), st.integers(0, 3), st.one_of(st.none(), st.integers(0, 2)))


@given(st.lists(tellings, min_size=1, max_size=6), st.randoms())
def test_the_winner_does_not_depend_on_the_order_of_telling(rows, random):
    told, shuffled = Observations(), Observations()
    for row in rows:
        told.tell(PURCHASE, "C-1", "SO-1", (*row, None, None))
    random.shuffle(rows)
    for row in rows:
        shuffled.tell(PURCHASE, "C-1", "SO-1", (*row, None, None))

    assert told == shuffled


@given(st.lists(st.tuples(st.booleans(), instants, instants), min_size=1, max_size=6), st.randoms())
def test_complaints_and_withdrawals_may_come_in_any_order(steps, random):
    def tell(all_steps):
        seen = Observations()
        for is_withdrawal, told_at, at in all_steps:
            if is_withdrawal:
                seen.withdraw("C-1", "CMP-1", at)
            else:
                seen.complain("C-1", "CMP-1", told_at=told_at, received_at=at)
        return seen

    expected = tell(steps)
    random.shuffle(steps)
    assert tell(steps) == expected


def rows_of(event, table: str):
    seen = Observations()
    observe(seen, event, validate(event))
    return list(seen.latest[table].values())


def test_money_becomes_minor_units_and_quantity_millionths():
    event = an_order(amount="12.5", currency="CNY", cost="3.00", quantity=2.5)
    assert rows_of(event, "purchase") == [(MONDAY, MONDAY, "CNY", 1250, 300, None, 2_500_000)]


def test_yen_have_no_minor_units():
    assert rows_of(an_order(amount="1200", currency="JPY"), "purchase")[0][3] == 1200


def test_a_mention_without_reach_counts_as_one_reader_and_an_absurd_reach_as_everybody():
    assert rows_of(a_mention(reach=None), "mention")[0][-1] == 1
    assert rows_of(a_mention(reach=2**62), "mention")[0][-1] == MOST_REACH


def test_every_scale_ends_at_the_same_satisfaction():
    full = [
        rows_of(an_answer(score=s, scale=scale), "survey_answer")[0][-1]
        for s, scale in ((10, "nps"), (5, "csat5"), (10, "csat10"))
    ]
    none = [
        rows_of(an_answer(score=s, scale=scale), "survey_answer")[0][-1]
        for s, scale in ((0, "nps"), (1, "csat5"), (1, "csat10"))
    ]
    assert (set(full), set(none)) == ({1_800_000}, {0})
