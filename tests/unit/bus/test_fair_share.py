"""Members of a group on the embedded bus know their fair share without asking anyone."""

from hypothesis import given
from hypothesis import strategies as st

from shared.bus.postgres.membership import fair_share

members = st.lists(st.integers(min_value=1, max_value=10_000), min_size=1, max_size=20, unique=True)


@given(members, st.integers(min_value=1, max_value=50), st.integers(min_value=1, max_value=20))
def test_shares_add_up_and_differ_by_one_at_most(group: list[int], partitions: int, topic_id: int):
    shares = [fair_share(member, group, partitions=partitions, topic_id=topic_id) for member in group]

    assert sum(shares) == partitions
    assert max(shares) - min(shares) <= 1


def test_single_partitions_of_different_topics_go_to_different_members():
    owners = {
        topic_id: [member for member in (7, 8, 9) if fair_share(member, [7, 8, 9], partitions=1, topic_id=topic_id)]
        for topic_id in range(3)
    }

    assert sorted(owner for owners_of_topic in owners.values() for owner in owners_of_topic) == [7, 8, 9]
