"""What the peers of M1 and M2 share: the tables of a service as mapped classes, found by reflection."""

from typing import Any

import orjson
from sqlalchemy import Table
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import registry
from sqlalchemy.schema import MetaData

from shared.bus.outbox import shard_of
from shared.contracts import CloudEvent, encode


class Orm:
    """SQLAlchemy as an application sets it up: a pool, sessions, and a class per table."""

    def __init__(self, url: str) -> None:
        self.engine: AsyncEngine = create_async_engine(
            make_url(url).set(drivername="postgresql+asyncpg"),
            json_serializer=lambda value: orjson.dumps(value).decode(),
            json_deserializer=orjson.loads,
        )
        self.sessions = async_sessionmaker(self.engine, class_=AsyncSession, expire_on_commit=False)
        self._metadata = MetaData()
        self._registry = registry(metadata=self._metadata)

    async def reflect(self, **keys: tuple[str, ...]) -> list[Any]:
        """Classes for these tables; the columns are what the mapper takes for the key where the table has none."""
        async with self.engine.begin() as connection:
            await connection.run_sync(self._metadata.reflect, only=list(keys))
        return [self._mapped(self._metadata.tables[name], key) for name, key in keys.items()]

    def _mapped(self, table: Table, key: tuple[str, ...]) -> Any:
        class_ = type(table.name.title().replace("_", ""), (), {"__init__": _take_keywords})
        own_key = {"primary_key": [table.c[name] for name in key]} if key else {}
        self._registry.map_imperatively(class_, table, **own_key)
        return class_

    async def close(self) -> None:
        self._registry.dispose()
        await self.engine.dispose()


def _take_keywords(self: Any, **values: Any) -> None:
    for name, value in values.items():
        setattr(self, name, value)


def outbox_row(class_: Any, topic: str, event: CloudEvent, now: Any) -> Any:
    """The outbox row of an event that has its number."""
    key, value, headers = encode(event)
    return class_(
        id=event.id,
        aggregatetype=topic,
        aggregateid=key,
        type=event.type,
        payload=value,
        header_names=[name for name, _ in headers],
        header_values=[content for _, content in headers],
        shard=shard_of(key),
        created_at=now,
    )
