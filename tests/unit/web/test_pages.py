"""Page tokens and keyset pages: whatever the rows, the pages together are the list."""

from datetime import UTC, date, datetime

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.dialects import postgresql

from shared.errors import PageTokenInvalid
from shared.web.pages import Order, Page, PageTokens

TOKENS = PageTokens(b"s" * 32)
values = st.one_of(
    st.text(max_size=30),
    st.integers(-(2**63), 2**63 - 1),
    st.floats(allow_nan=False, allow_infinity=False),
    st.datetimes(timezones=st.just(UTC)),
    st.dates(),
)


@given(st.lists(values, min_size=1, max_size=4), st.text(max_size=40))
def test_a_token_gives_back_the_very_values_it_was_made_of(key, query):
    found = TOKENS.read(query, TOKENS.write(query, tuple(key)))

    assert found == tuple(key)
    assert [type(value) for value in found] == [type(value) for value in key]


@given(st.text(max_size=20), st.text(max_size=20), st.integers())
def test_a_token_serves_no_other_query(query, other, value):
    token = TOKENS.write(query, (value,))
    if query != other:
        with pytest.raises(PageTokenInvalid, match="another query"):
            TOKENS.read(other, token)


@given(st.data())
def test_a_token_with_any_character_changed_is_refused(data):
    token = TOKENS.write("q", ("case-17", 5))
    place = data.draw(st.integers(0, len(token) - 2))  # the last character may carry unused bits
    letter = data.draw(st.sampled_from("ABCabc012-_").filter(lambda c: c != token[place]))

    with pytest.raises(PageTokenInvalid):
        TOKENS.read("q", token[:place] + letter + token[place + 1 :])


@pytest.mark.parametrize("text", ["", "????", "é", "AAAA", "A" * 5000])
def test_what_is_not_a_token_is_refused(text):
    with pytest.raises(PageTokenInvalid):
        TOKENS.read("q", text)


def test_tokens_of_another_installation_are_refused():
    with pytest.raises(PageTokenInvalid):
        TOKENS.read("q", PageTokens(b"t" * 32).write("q", (1,)))


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 1000)), unique_by=lambda row: row[1]), st.integers(1, 7))
def test_the_pages_together_are_the_list(rows, size):
    ordered = sorted(rows)
    seen, token = [], None
    while True:
        page = Page(size, TOKENS.read("q", token) if token else None, "q", TOKENS)
        fetched = [row for row in ordered if page.after is None or row > page.after][: page.limit]
        listing = page.listing(fetched, key=lambda row: row, item=lambda row: row[1])
        assert len(listing.items) <= size
        seen += listing.items
        token = listing.next_page_token
        if token is None:
            break

    assert seen == [row[1] for row in ordered]


def sql(*order, after):
    table = sa.table("t", sa.column("at", sa.TIMESTAMP(timezone=True)), sa.column("id", sa.Text))
    columns = {"at": table.c.at, "id": table.c.id}
    page = Page(10, after, "q", TOKENS)
    statement = page.apply(sa.select(table.c.id), *(Order(columns[name], descending=d) for name, d in order))
    return " ".join(str(statement.compile(dialect=postgresql.asyncpg.dialect())).split())


def test_an_order_that_runs_one_way_is_a_row_comparison_that_an_index_answers():
    text = sql(("at", True), ("id", True), after=(datetime(2026, 3, 1, tzinfo=UTC), "a"))

    assert "(t.at, t.id) < ($1::TIMESTAMP WITH TIME ZONE, $2::VARCHAR)" in text
    assert text.endswith("ORDER BY t.at DESC, t.id DESC LIMIT $3::INTEGER")


def test_an_order_that_runs_both_ways_is_spelt_out():
    text = sql(("at", True), ("id", False), after=(datetime(2026, 3, 1, tzinfo=UTC), "a"))

    assert "t.at <" in text
    assert "t.at =" in text
    assert "t.id >" in text


def test_a_date_is_a_date_again():
    assert TOKENS.read("q", TOKENS.write("q", (date(2026, 3, 1),))) == (date(2026, 3, 1),)
