"""Rows written in binary are the rows that were meant: every null, every byte, every header in its order."""

from datetime import UTC, datetime

import asyncpg
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shared.bus.outbox_copy import COLUMNS, binary_rows

AT = datetime(2026, 3, 2, 8, 0, 0, 123_456, tzinfo=UTC)
texts = st.text(st.characters(exclude_characters="\x00", exclude_categories=("Cs",)), max_size=12)
headers = st.lists(st.tuples(texts, st.binary(max_size=20)), max_size=12).map(tuple)
rows = st.lists(
    st.tuples(
        texts, texts, st.none() | st.binary(max_size=8), texts, st.none() | st.binary(max_size=300), headers,
        st.integers(0, 15),
    ),
    min_size=1,
    max_size=20,
)  # fmt: skip


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture]
)
@given(rows=rows)
async def test_what_is_copied_is_read_back(scoring_database, rows):
    import io

    raw = await asyncpg.connect(scoring_database)
    try:
        await raw.execute("truncate outbox")
        source = io.BytesIO(binary_rows(rows, AT))
        await raw.copy_to_table("outbox", columns=COLUMNS, source=source, format="binary")
        found = await raw.fetch(f"select {', '.join(COLUMNS)} from outbox order by seq")
    finally:
        await raw.close()

    assert [tuple(row) for row in found] == [
        (id_, topic, key, kind, value, [name for name, _ in heads], [content for _, content in heads], shard, AT)
        for id_, topic, key, kind, value, heads, shard in rows
    ]
