"""The history in two times: what was true when, and what was believed when."""

from datetime import timedelta
from itertools import pairwise

from shared.contracts import format_instant
from tests.support.facts import MONDAY, ago, an_order
from tests.support.scoring import rfm

URL = "/v1/customers/C-1/tier-history"
FEBRUARY = MONDAY + timedelta(days=10)
MARCH = MONDAY + timedelta(days=40)
APRIL = MONDAY + timedelta(days=80)


def at(instant) -> str:
    return format_instant(instant)


async def believed(scoring, *, valid_at, known_at) -> list[str]:
    told = await scoring.get(URL, valid_at=at(valid_at), known_at=at(known_at))
    return [item["tier"] for item in told["items"]]


async def test_what_did_we_believe_then_about_then(scoring):
    await scoring.deliver(*(an_order(at=ago(days=n), amount="130000.00") for n in (1, 2, 3, 4)))
    await scoring.step(APRIL)
    tiers = [item["tier"] for item in (await scoring.get(URL))["items"]]
    assert tiers == ["potential"], "points fall from 15 to 9 without leaving the tier"
    await scoring.step(APRIL + timedelta(days=60))
    fell = next(c for c in await scoring.events("tier.changed") if c["direction"] == "downgrade")["effective_at"]

    assert await believed(scoring, valid_at=FEBRUARY, known_at=MARCH) == ["potential"]
    assert await believed(scoring, valid_at=APRIL + timedelta(days=60), known_at=MARCH) == ["potential"], (
        "what was known in March of a day to come is what was known of March"
    )
    told = await scoring.get(URL, valid_at=fell, known_at=at(scoring.clock.now()))
    assert [item["tier"] for item in told["items"]] == ["general"]
    assert await believed(scoring, valid_at=MONDAY - timedelta(days=1), known_at=MARCH) == []
    assert await believed(scoring, valid_at=FEBRUARY, known_at=MONDAY - timedelta(days=1)) == []


async def test_a_superseded_entry_is_what_was_believed_until_then(scoring):
    await scoring.deliver(an_order())
    # A reversal rewrites the past: the old entry is closed in the time of knowing, not in the time of truth.
    await scoring.rows("update tier_history set superseded_at = $1", MARCH)
    await scoring.rows(
        "insert into tier_history (customer_id, model, model_version, state, tier, rank, service_class, cause, bands,"
        " valid_from, recorded_at) values ('C-1', 'rfm-lifecycle', 1, 'graded', 'core', 1, 'strategic', 'reversal',"
        " '{}', $1, $2)",
        MONDAY,
        MARCH,
    )

    assert await believed(scoring, valid_at=FEBRUARY, known_at=FEBRUARY) == ["general"]
    assert await believed(scoring, valid_at=FEBRUARY, known_at=MARCH) == ["core"]
    assert await believed(scoring, valid_at=FEBRUARY, known_at=APRIL) == ["core"]


async def test_entries_follow_each_other_without_gap_or_overlap(scoring):
    await scoring.deliver(*(an_order(at=ago(days=n), amount="130000.00") for n in range(0, 400, 30)))
    await scoring.step(MONDAY + timedelta(days=500))

    items = (await scoring.get(URL))["items"][::-1]
    assert len(items) > 3
    assert items[-1]["valid_to"] is None
    for earlier, later in pairwise(items):
        assert earlier["valid_to"] == later["valid_from"]
        assert earlier["tier"] == later["from_tier"]
        assert earlier["superseded_at"] is None


async def test_the_list_is_paged_and_every_entry_is_on_one_page(scoring):
    await scoring.deliver(*(an_order(at=ago(days=n), amount="130000.00") for n in range(0, 400, 30)))
    await scoring.step(MONDAY + timedelta(days=500))
    whole = (await scoring.get(URL))["items"]

    found, token = [], None
    while True:
        page = await scoring.get(URL, page_size=2, **({"page_token": token} if token else {}))
        found += page["items"]
        token = page["next_page_token"]
        if token is None:
            break

    assert found == whole


async def test_a_change_of_the_model_is_told_from_a_change_of_behaviour(scoring):
    await scoring.deliver(an_order(at=ago(days=3), amount="400000.00"), an_order(at=ago(days=4), amount="1.00"))
    assert (await scoring.tier("C-1"))["score"] == 11
    stricter = rfm()
    stricter["indicators"][0]["bands"][0]["at_most"] = 2
    stricter["indicators"][2]["bands"][1]["at_least"] = "450000"
    await scoring.activate(stricter)

    await scoring.deliver(an_order(at=ago(days=5), amount="1.00"))

    change = (await scoring.events("tier.changed"))[-1]
    assert (change["cause"], change["direction"], change["model_version"]) == ("model", "downgrade", 2)
    assert (await scoring.standing("C-1"))["model_version"] == 2
