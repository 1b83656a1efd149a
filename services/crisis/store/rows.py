"""Writing rows in sets: COPY for new ones, one UPDATE … FROM unnest for changed ones."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import asyncpg
import orjson

Raw = asyncpg.Connection  # the driver's connection, inside the transaction


@dataclass(frozen=True, slots=True)
class Table:
    """A table as it is written: its columns with their types. Values of jsonb columns are given as text."""

    name: str
    columns: Mapping[str, str]
    key: Sequence[str]
    _update: str = field(init=False)

    def __post_init__(self) -> None:
        names = list(self.columns)
        # jsonb travels as text: arrays of jsonb would need a codec of their own.
        types = [("text" if kind == "jsonb" else kind) for kind in self.columns.values()]
        arrays = ", ".join(f"${number}::{kind}[]" for number, kind in enumerate(types, start=1))
        sets = ", ".join(
            f"{name} = n.{name}" + ("::jsonb" if self.columns[name] == "jsonb" else "")
            for name in names
            if name not in self.key
        )
        same = " and ".join(f"t.{name} = n.{name}" for name in self.key)
        listed = ", ".join(names)
        object.__setattr__(
            self,
            "_update",
            f"update {self.name} as t set {sets} from unnest({arrays}) as n ({listed}) where {same}",
        )

    async def insert(self, raw: "asyncpg.Connection[asyncpg.Record]", rows: Sequence[Sequence[Any]]) -> None:
        """COPY new rows, values in the order of the columns."""
        if rows:
            await raw.copy_records_to_table(self.name, records=rows, columns=list(self.columns))

    async def update(self, raw: "asyncpg.Connection[asyncpg.Record]", rows: Sequence[Sequence[Any]]) -> None:
        """Rewrite the rows that have these keys."""
        if rows:
            await raw.execute(self._update, *map(list, zip(*rows, strict=True)))


def text_of(value: Any) -> str | None:
    """A value for a jsonb column."""
    return None if value is None else orjson.dumps(value).decode()


def read(text: Any) -> Any:
    """The value of a jsonb column."""
    return orjson.loads(text) if isinstance(text, str | bytes) else text


def columns(text: str) -> dict[str, str]:
    """`name type, name type` as a mapping."""
    pairs: Iterable[list[str]] = (part.split(None, 1) for part in text.split(","))
    return {name: kind.strip() for name, kind in pairs}
