"""Junk, and what it may not change."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import asyncpg
import orjson

from services.commands.names import ServiceName
from services.commands.platform import Platform
from shared.bus.port import Record
from tests.support.faults.doors import FACTS
from tests.support.faults.story import Fact, text
from tests.support.platform import START

_TABLES = """
select relname from pg_class c join pg_namespace n on n.oid = c.relnamespace
where n.nspname = 'public' and c.relkind = 'r' and relname <> 'api_key'
"""


@dataclass(frozen=True)
class Junk:
    """A fact that is none, the place that is wrong with it, and the rule that it breaks."""

    name: str
    pointer: str
    rule: str
    record: Record

    def __str__(self) -> str:
        return self.name


async def row_counts(platform: Platform) -> dict[str, int]:
    """Rows of every table of the three services."""
    counts = {}
    for service in ServiceName:
        connection = await asyncpg.connect(platform.postgres.url(f"moat_{service.value}"))
        try:
            for table in [row["relname"] for row in await connection.fetch(_TABLES)]:
                counts[f"{service.value}.{table}"] = await connection.fetchval(f'select count(*) from "{table}"')
        finally:
            await connection.close()
    return counts


def an_order_fact(customer: str, id_: str, **changes: Any) -> Fact:
    """A sound fact; `changes` to its data, None takes a field away."""
    data = {"order_id": id_, "amount": "10.00", "currency": "CNY", "placed_at": text(START), **changes}
    return {
        "specversion": "1.0",
        "id": id_,
        "source": "/junk",
        "type": "customer.order.placed.v1",
        "subject": customer,
        "time": text(START),
        "data": {name: value for name, value in data.items() if value is not None},
    }


def raw_record(
    fact: Fact,
    *,
    value: bytes | None = b"",
    key: bytes | None = b"",
    headers: Mapping[str, bytes | None] | None = None,
    more: tuple[tuple[str, bytes], ...] = (),
) -> Record:
    """The fact in binary mode, with value, key or headers replaced by what a careless producer might send."""
    named: dict[str, bytes | None] = {
        f"ce_{name}": fact[name].encode() for name in ("id", "source", "type", "specversion", "time", "subject")
    }
    named |= {"content-type": b"application/json", **(headers or {})}
    return Record(
        FACTS,
        fact["subject"].encode() if key == b"" else key,
        orjson.dumps(fact["data"]) if value == b"" else value,
        (*((name, content) for name, content in named.items() if content is not None), *more),
    )


def junk_facts(customer: str) -> list[Junk]:
    """Everything that can be wrong with a fact on the bus, one by one."""
    fact = an_order_fact(customer, "J-1")
    sound = orjson.dumps(fact["data"])

    def with_data(name: str, pointer: str, rule: str, **changes: Any) -> Junk:
        return Junk(name, pointer, rule, raw_record(an_order_fact(customer, f"J-{name}", **changes)))

    def with_value(name: str, pointer: str, rule: str, value: bytes | None) -> Junk:
        return Junk(name, pointer, rule, raw_record(fact, value=value))

    return [
        Junk("mere bytes", "/data", "utf-8", Record(FACTS, customer.encode(), b"\x00\xff\x13junk", ())),
        Junk("no headers at all", "/id", "required", Record(FACTS, customer.encode(), sound, ())),
        with_value("not JSON", "/data", "json", b'{"order_id": '),
        with_value("not UTF-8", "/data", "utf-8", b'{"order_id": "\xff\xfe"}'),
        with_value("not an object", "/data", "type", b"[1, 2]"),
        with_value("no value", "/data", "type", None),
        with_value("a name twice", "/data/amount", "duplicate-key", sound[:-1] + b',"amount":"1.00"}'),
        with_value("NUL in text", "/data/channel", "nul", sound[:-1] + b',"channel":"a\\u0000b"}'),
        with_value("a lone surrogate", "/data/channel", "surrogate", sound[:-1] + b',"channel":"\\ud800"}'),
        with_value("too deep", "/data/x" + "/0" * 31, "depth", sound[:-1] + b',"x":' + b"[" * 40 + b"]" * 40 + b"}"),
        with_value("NaN", "/data/quantity", "number", sound[:-1] + b',"quantity":NaN}'),
        with_data("a field missing", "/data/amount", "required", amount=None),
        with_data("a field of another type", "/data/amount", "amount", amount=["10.00"]),
        with_data("a negative amount", "/data/amount", "amount", amount="-10.00"),
        with_data("too many decimals", "/data/amount", "amount", amount="10.001"),
        with_data("an unknown currency", "/data/currency", "currency", currency="XXQ"),
        with_data("an instant without zone", "/data/placed_at", "instant", placed_at="2026-01-05T08:00:00"),
        with_data("the future", "/data/placed_at", "future", placed_at="2026-03-02T09:00:00Z"),
        Junk("an unknown type", "/type", "unknown-type", raw_record(fact, headers={"ce_type": b"customer.moved.v1"})),
        Junk("another key", "/subject", "key", raw_record(fact, key=b"somebody-else")),
        Junk("no key", "/subject", "key", raw_record(fact, key=None)),
        Junk("a header twice", "/id", "duplicate-key", raw_record(fact, more=(("ce_id", b"again"),))),
        Junk("a header in no encoding", "/id", "utf-8", raw_record(fact, headers={"ce_id": b"\xff\xfe"})),
        Junk("no id", "/id", "required", raw_record(fact, headers={"ce_id": None})),
        Junk("an endless id", "/id", "length", raw_record(fact, headers={"ce_id": b"x" * 300})),
        Junk("another version", "/specversion", "specversion", raw_record(fact, headers={"ce_specversion": b"0.3"})),
        Junk(
            "another content type",
            "/datacontenttype",
            "content-type",
            raw_record(fact, headers={"content-type": b"application/avro"}),
        ),
        Junk(
            "structured and broken",
            "",
            "json",
            raw_record(fact, value=b"{", headers={"content-type": b"application/cloudevents+json"}),
        ),
    ]
