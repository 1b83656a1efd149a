"""What the timer worker is held against: the effect in one SQL statement, with and without the locks of customers."""

from datetime import datetime

import asyncpg

# The best form found: rows by ctid, no join. It locks nothing but the timers, so what else happens to a customer at the
# same moment is not kept apart from the firing.
_BARE = """
with fired as (
  delete from timer where ctid = any(array(
    select ctid from timer where due_at <= $1 order by due_at, id limit $2 for update skip locked))
  returning timer.id, timer.subject
), effect as ({effect} returning 1)
select count(*) from effect
"""
# What the worker promises besides: customers locked, those that something works on left out, void plans not fired.
_LOCKING = """
with due as materialized (
  select ctid as place, subject, generation from timer where due_at <= $1 order by due_at, id limit $2
), locked as materialized (
  select id from subject where id = any(array(select subject from due)) for no key update skip locked
), fired as (
  delete from timer using due, locked
  where timer.ctid = due.place and timer.generation = due.generation and locked.id = due.subject
  returning timer.id, timer.subject
), effect as ({effect} returning 1)
select count(*) from effect
"""
TWO_COLUMNS = "insert into effect (timer_id, subject) select id, subject from {fired}"
OUTBOX_ROW = """
insert into outbox (id, aggregatetype, aggregateid, type, payload, header_names, header_values, shard, created_at)
select id::text, 'moat.crisis.v1', convert_to(subject, 'UTF8'), 'crisis.clock.breached.v1',
  convert_to('{{"timer_id":' || id || ',"case_id":"' || subject || '","target":"first_response","late_by":0}}', 'UTF8'),
  array['ce_id', 'ce_type', 'ce_subject', 'content-type'],
  array[convert_to(id::text, 'UTF8'), 'crisis.clock.breached.v1'::bytea, convert_to(subject, 'UTF8'),
        'application/json'::bytea], (id % 16)::smallint, '2026-03-02 12:00Z'
from {fired}
"""


async def drain(
    raw: "asyncpg.Connection[asyncpg.Record]", effect: str, now: datetime, *, batch: int, locks: bool
) -> None:
    """Fire until nothing is due."""
    statement = (_LOCKING if locks else _BARE).format(effect=effect.format(fired="fired"))
    while await raw.fetchval(statement, now, batch):
        pass
