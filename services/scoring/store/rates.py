"""Exchange rates: data by day, entered by whoever keeps them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Final

from services.scoring.store.raw import Raw
from shared.contracts.currencies import MINOR_UNITS
from shared.db.packing import pack, unpacked


@dataclass(frozen=True, slots=True)
class Rate:
    """So many whole units of `quote` are one whole unit of `currency` on a day."""

    currency: str
    quote: str
    day: date
    rate: Decimal

    @property
    def factor(self) -> Decimal:
        """The same for minor units."""
        return self.rate.scaleb(MINOR_UNITS[self.quote] - MINOR_UNITS[self.currency])


_PUT: Final = f"""
insert into exchange_rate as x (currency, quote, day, rate, factor)
select * from unnest({unpacked("$1")}, {unpacked("$2")}, {unpacked("$3", "date")}, {unpacked("$4", "numeric")},
                     {unpacked("$5", "numeric")})
on conflict (currency, quote, day) do update set rate = excluded.rate, factor = excluded.factor
where x.rate <> excluded.rate returning x.currency
"""


async def put(raw: Raw, rates: Sequence[Rate]) -> int:
    """Enter or correct rates, no two for one day; answers how many are new or changed."""
    rows = [(r.currency, r.quote, r.day, r.rate, r.factor) for r in rates]
    return len(await raw.fetch(_PUT, *(pack(column) for column in zip(*rows, strict=True))))


_PAGE: Final = """
select currency, quote, day, rate from exchange_rate
where ($1::text is null or currency = $1) and ($2::text is null or quote = $2)
  and ($3::text is null or (currency, quote, day) > ($3, $4::text, $5::date))
order by currency, quote, day limit $6
"""


async def page(
    raw: Raw, currency: str | None, quote: str | None, *, after: tuple[str, str, date] | None, limit: int
) -> list[Rate]:
    """Rates by currency, quote and day."""
    return [Rate(*row) for row in await raw.fetch(_PAGE, currency, quote, *(after or (None, None, None)), limit)]
