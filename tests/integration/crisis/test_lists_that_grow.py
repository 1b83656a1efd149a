"""What people look for is found by index, however much is kept beside it."""

import pytest
import sqlalchemy as sa

CASES = """
insert into crisis_case
select 'case-' || n, 'CR-' || n, 'C-' || n, 'complaint', 'late', 'S3', 'S3', '{}', 'closed',
       case when n % 5000 = 0 then 'open' else 'closed' end, 'key', false, 'low', false,
       timestamptz '2026-01-01Z' + n * interval '1 minute', 1, 'key@1', 'default@1', null, null, null, null,
       case when n % 4000 = 1 then 'E-1' else 'E-' || (n % 300 + 2) end, null, null, null, null, 0, 0, null, false, 0,
       '', null
from generate_series(1, 20000) n
"""
MUTED = """
insert into trigger_event
select '/crm', 'event-' || n, 'customer.opinion.mentioned.v1', 'C-' || n, at, at, 'x', 'muted', null, null, null, null,
       'no_rule'
from generate_series(1, 20000) n,
     lateral (select timestamptz '2026-01-01Z' + n * interval '1 minute' as at) told
"""
CANDIDATES = """
insert into candidate
select 'candidate-' || n, '/crm', 'event-' || n, 'C-' || n, 'rule', 1, '{}', 'rejected', at
from generate_series(1, 20000) n,
     lateral (select timestamptz '2026-01-01Z' + n * interval '1 minute' as at) told
"""


@pytest.mark.parametrize(
    ("rows", "table", "asked"),
    [
        (CASES, "crisis_case", "/v1/cases?status=open"),
        (CASES, "crisis_case", "/v1/cases?owner=E-1"),
        (MUTED, "trigger_event", "/v1/mutes?event_id=event-77"),
        (CANDIDATES, "candidate", "/v1/candidates?state=rejected&page_size=5"),
    ],
)
async def test_a_list_reads_no_more_rows_than_it_shows(crisis, rows, table, asked):
    await crisis.execute(rows)
    await crisis.execute(f"analyze {table}")
    statements = []
    engine = crisis.service.base.database.engine.sync_engine
    sa.event.listen(engine, "before_cursor_execute", lambda *told: statements.append((told[2], told[3])))

    shown = (await crisis.client.get(asked)).raise_for_status().json()["items"]

    ((statement, values),) = [told for told in statements if f"FROM {table}" in told[0]]
    plan = "\n".join(row[0] for row in await crisis.rows(f"explain analyze {statement}", *values))
    assert shown
    assert "Seq Scan" not in plan, plan
    assert "Removed by Filter" not in plan, plan
