"""The bare limit of S1: the rows that were written are copied once more into tables of the same shape and indexes."""

import io
import time
from collections.abc import Sequence
from datetime import datetime
from typing import Final

import asyncpg

_BATCH: Final = 1000
_WRITTEN: Final = {
    "customer": "select * from customer where id = any($1::text[])",
    "crisis_case": "select * from crisis_case where customer_id = any($1::text[])",
    "clock": "select * from clock where customer_id = any($1::text[])",
    "clock_event": "select e.* from clock_event e join clock c on c.id = e.clock_id"
    " where c.customer_id = any($1::text[]) and e.recorded_at >= $2",
    "timeline": "select t.* from timeline t join crisis_case k on k.id = t.case_id"
    " where k.customer_id = any($1::text[]) and t.recorded_at >= $2",
    "timer": "select * from timer where subject = any($1::text[])",
    "outbox": "select * from outbox where convert_from(aggregateid, 'UTF8') = any($1::text[])",
}
"""What a retarget writes, by table: rewritten rows of state, and new rows since an instant."""


async def copied_again(url: str, ids: Sequence[str], *, since: datetime) -> float:
    """Seconds to COPY the rows written for these customers since then, in binary, a transaction a thousand of them."""
    raw = await asyncpg.connect(url)
    try:
        parts = [list(ids[first : first + _BATCH]) for first in range(0, len(ids), _BATCH)]
        batches = [[(table, await _rows(raw, table, part, since)) for table in _WRITTEN] for part in parts]
        for table in _WRITTEN:
            await raw.execute(f"drop table if exists bare_{table}")
            await raw.execute(f"create table bare_{table} (like {table} including all)")
        await raw.execute("checkpoint")
        started = time.perf_counter()
        for batch in batches:
            async with raw.transaction():
                for table, content in batch:
                    await raw.copy_to_table(f"bare_{table}", source=io.BytesIO(content), format="binary")
        return time.perf_counter() - started
    finally:
        await raw.close()


async def _rows(raw: "asyncpg.Connection[asyncpg.Record]", table: str, ids: Sequence[str], since: datetime) -> bytes:
    content = io.BytesIO()
    arguments = (list(ids), since) if "$2" in _WRITTEN[table] else (list(ids),)
    await raw.copy_from_query(_WRITTEN[table], *arguments, output=content, format="binary")
    return content.getvalue()
