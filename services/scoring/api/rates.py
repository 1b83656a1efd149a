"""Exchange rates over HTTP."""

from datetime import date
from decimal import Decimal
from typing import Annotated

from fastapi import Body, Query
from pydantic import Field, field_validator

from services.scoring.store import rates
from services.scoring.store.rates import Rate
from services.scoring.usecases.enter_rates import enter_rates
from shared.auth.guard import require
from shared.contracts.currencies import MINOR_UNITS
from shared.db.database import raw_connection
from shared.web.kernel import Caller, ReadDatabase, Uow
from shared.web.pages import PageRequest
from shared.web.routing import Router
from shared.web.schema import In, Listing, Out

router = Router(prefix="/v1/exchange-rates", tags=["exchange rates"], dependencies=[require("scoring:read")])
_EXAMPLE = {"currency": "USD", "quote": "CNY", "day": "2026-03-02", "rate": "7.1834"}
Currency = Annotated[str | None, Query(min_length=3, max_length=3, description="ISO 4217 code.", examples=["USD"])]


class RateIn(In):
    """So many whole units of `quote` are one of `currency` on that day."""

    currency: str = Field(description="ISO 4217 code of what orders are in.", examples=["USD"])
    quote: str = Field(description="ISO 4217 code of the model.", examples=["CNY"])
    day: date = Field(examples=["2026-03-02"])
    rate: Decimal = Field(gt=0, max_digits=20, decimal_places=10, examples=["7.1834"])

    @field_validator("currency", "quote")
    @classmethod
    def _known(cls, code: str) -> str:
        if code not in MINOR_UNITS:
            raise ValueError('unknown currency; an ISO 4217 code in capitals such as "CNY"')
        return code


class RatesIn(In):
    """Rates to enter or correct."""

    rates: list[RateIn] = Field(min_length=1, max_length=1000)


class RateOut(Out):
    """A rate as it is known."""

    currency: str
    quote: str
    day: date
    rate: str


class RatesEntered(Out):
    """What became of them."""

    changed: int = Field(description="Rates that are new or have another value.")
    job: str | None = Field(description="The job that regrades customers by them; null when nothing changed.")


@router.put("", summary="Enter exchange rates", dependencies=[require("scoring:write")])
async def put_rates(
    body: Annotated[
        RatesIn,
        Body(examples=[{"rates": [{"currency": "USD", "quote": "CNY", "day": "2026-03-02", "rate": "7.1834"}]}]),
    ],
    caller: Caller,
    uow: Uow,
) -> RatesEntered:
    """Customers are regraded by them in the background.

    An order counts at the rate of its own day, or the latest of the seven days up to it; without one it is a visible
    gap.
    """
    wanted = [Rate(r.currency, r.quote, r.day, r.rate) for r in body.rates]
    async with uow() as work:
        changed, job = await enter_rates(work, wanted, by=caller.id)
    return RatesEntered(changed=changed, job=job)


@router.get("", summary="List exchange rates")
async def list_rates(
    page: PageRequest, database: ReadDatabase, currency: Currency = None, quote: Currency = None
) -> Listing[RateOut]:
    """By currency, quote and day."""
    after = (page.after[0], page.after[1], page.after[2]) if page.after else None
    async with database.read() as connection:
        rows = await rates.page(await raw_connection(connection), currency, quote, after=after, limit=page.limit)
    return page.listing(rows, key=lambda row: (row.currency, row.quote, row.day), item=_shown)


def _shown(rate: Rate) -> RateOut:
    return RateOut(currency=rate.currency, quote=rate.quote, day=rate.day, rate=format(rate.rate, "f"))
