"""Writing rows in sets: COPY for new ones, one UPDATE for changed ones, which come by COPY where they are many."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import asyncpg
import orjson

Raw = asyncpg.Connection  # the driver's connection, inside the transaction


_WORTH_COPYING: Final = 300
"""Changed rows from which two more statements pay."""


@dataclass(frozen=True, slots=True)
class Table:
    """A table as it is written: its columns with their types. Values of jsonb columns are given as text."""

    name: str
    columns: Mapping[str, str]
    key: Sequence[str]
    _sets: str = field(init=False)

    def __post_init__(self) -> None:
        kept = [(name, kind) for name, kind in self.columns.items() if name not in self.key]
        sets = ", ".join(f"{name} = n.{name}" + ("::jsonb" if kind == "jsonb" else "") for name, kind in kept)
        object.__setattr__(self, "_sets", f"update {self.name} as t set {sets}")

    async def insert(self, raw: "asyncpg.Connection[asyncpg.Record]", rows: Sequence[Sequence[Any]]) -> None:
        """COPY new rows, values in the order of the columns."""
        if rows:
            await raw.copy_records_to_table(self.name, records=rows, columns=list(self.columns))

    async def update(self, raw: "asyncpg.Connection[asyncpg.Record]", rows: Sequence[Sequence[Any]]) -> None:
        """Rewrite the rows that have these keys; each key once."""
        if len(rows) >= _WORTH_COPYING:
            await self._update_by_copy(raw, rows)
        elif rows:
            kinds = enumerate(self._travelling().values(), start=1)
            arrays = ", ".join(f"${number}::{kind}[]" for number, kind in kinds)
            rewritten = f"{self._sets} from unnest({arrays}) as n ({', '.join(self.columns)}) where {self._same()}"
            await raw.execute(rewritten, *map(list, zip(*rows, strict=True)))

    async def _update_by_copy(self, raw: "asyncpg.Connection[asyncpg.Record]", rows: Sequence[Sequence[Any]]) -> None:
        """By way of a table of the connection's own: the driver looks twice at each element of an array."""
        staging = f"{self.name}_rewritten"
        columns_ = ", ".join(f"{name} {kind}" for name, kind in self._travelling().items())
        await raw.execute(f"create temp table if not exists {staging} ({columns_}) on commit delete rows")
        await raw.copy_records_to_table(staging, records=rows, columns=list(self.columns))
        await raw.execute(f"{self._sets} from {staging} as n where {self._same()}")
        await raw.execute(f"truncate {staging}")

    def _travelling(self) -> Mapping[str, str]:
        """The columns as they are sent: jsonb as text, for arrays of jsonb would need a codec of their own."""
        return {name: "text" if kind == "jsonb" else kind for name, kind in self.columns.items()}

    def _same(self) -> str:
        return " and ".join(f"t.{name} = n.{name}" for name in self.key)


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
