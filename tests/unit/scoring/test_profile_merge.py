"""A profile is the sum of its partial updates, whatever order they arrived in."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from services.scoring.domain.profile import Profile, ProfileUpdate, merge, of_stored

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
fields = st.dictionaries(
    st.sampled_from(["name", "region", "plans"]), st.one_of(st.none(), st.sampled_from(["a", "b"])), max_size=3
)
attributes = st.dictionaries(st.sampled_from(["x", "y"]), st.one_of(st.none(), st.integers(0, 2)), max_size=2)


@st.composite
def updates(draw):
    told = {**draw(fields), **({"attributes": draw(attributes)} if draw(st.booleans()) else {})}
    at = NOON + timedelta(seconds=draw(st.integers(0, 2)))
    return ProfileUpdate(at, draw(st.sampled_from(["/crm", "/erp"])), draw(st.sampled_from("12345")), told)


def one_each(told):
    """Events are unique by source and id."""
    return list({(update.source, update.event_id): update for update in told}.values())


@given(st.lists(updates(), max_size=8).map(one_each), st.randoms())
def test_any_order_and_any_batches_give_the_same_profile(told, random):
    shuffled = [*told, *told[:2]]
    random.shuffle(shuffled)
    step_by_step = Profile()
    for update in shuffled:
        step_by_step = merge(step_by_step, [update])

    assert step_by_step == merge(Profile(), told)


def test_an_older_value_that_arrives_late_does_not_win():
    late = ProfileUpdate(NOON, "/crm", "1", {"name": "Old", "region": "CN-JS"})
    newer = ProfileUpdate(NOON + timedelta(days=1), "/crm", "2", {"name": "New"})

    merged = merge(merge(Profile(), [newer]), [late])

    assert merged.values == {"name": "New", "region": "CN-JS"}


def test_a_cleared_field_stays_cleared_against_what_was_told_before():
    cleared = ProfileUpdate(NOON + timedelta(days=1), "/crm", "2", {"name": None, "attributes": {"x": None}})
    before = ProfileUpdate(NOON, "/crm", "1", {"name": "Old", "attributes": {"x": 1, "y": 2}})

    assert merge(Profile(), [cleared, before]).values == {"attributes.y": 2}


def test_attributes_are_merged_name_by_name_and_shown_together():
    told = [
        ProfileUpdate(NOON, "/crm", "1", {"attributes": {"x": 1}}),
        ProfileUpdate(NOON, "/crm", "2", {"attributes": {"y": 2}, "plans": "grow"}),
    ]
    assert merge(Profile(), told).details() == {"plans": "grow", "attributes": {"x": 1, "y": 2}}


@given(st.lists(updates(), max_size=6).map(one_each))
def test_what_is_stored_is_read_back(told):
    profile = merge(Profile(), told)
    columns = {name: profile.get(name) for name in ("name", "region")}
    times = {name: list(parts) for name, parts in profile.told.items()}

    assert of_stored(columns, profile.details(), times) == profile
