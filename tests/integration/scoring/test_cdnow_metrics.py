"""Real purchases: the metrics of a slice of CDNOW, at several instants, are those of an independent computation."""

import gzip
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from services.scoring.store.metrics import metric_frame
from shared.contracts import CloudEvent
from shared.db.database import raw_connection
from tests.support.facts import an_order
from tests.support.metric_oracle import Oracle
from tests.support.scoring import a_scoring, rfm

DATA = Path(__file__).parents[3] / "data" / "CDNOW_master.txt.gz"
EVERY = 97
"""Every so-manieth customer: 243 of them."""
COMPARED = {
    "days_since_last_purchase": (),
    "customer_age_days": (),
    "purchases_30d": (),
    "purchases_90d": (),
    "purchases_90d_prev": (),
    "purchases_365d": (),
    "spend_90d": (),
    "spend_90d_prev": (),
    "spend_365d": (),
    "spend_365d_prev": (),
    "refunds_365d": (),
    "purchase_gap_days_median": ("num", "den"),
    "purchase_gap_days_p95": ("num", "den"),
    "repurchase_rate": ("num", "den"),
    "quantity_90d": ("num", "den"),
}


def purchases() -> dict[str, list[CloudEvent]]:
    found: dict[str, list[CloudEvent]] = defaultdict(list)
    with gzip.open(DATA, "rt", encoding="ascii") as lines:
        for number, line in enumerate(lines):
            parts = line.split()
            if number == 0 or int(parts[0]) % EVERY:
                continue
            at = datetime.strptime(parts[1], "%Y%m%d").replace(tzinfo=UTC) + timedelta(hours=number % 24)
            found[f"CD-{parts[0]}"].append(
                an_order(f"CD-{parts[0]}", at, parts[3], order=f"L-{number}", quantity=int(parts[2]), currency="USD")
            )
    return found


@pytest.mark.parametrize(
    "as_of", ["1997-04-01T03:59:59+00:00", "1998-01-15T12:00:00+00:00", "1998-07-01T00:00:00+00:00"]
)
async def test_the_metrics_of_real_purchases_are_those_of_the_oracle(scoring_database, as_of):
    instant = datetime.fromisoformat(as_of)
    known = purchases()
    zone, currency = "America/New_York", "USD"
    async with a_scoring(
        scoring_database, now=datetime(1998, 7, 1, tzinfo=UTC), model=rfm(zone=zone, currency=currency)
    ) as scoring:
        await scoring.deliver(*(event for events in known.values() for event in events), batch=500)
        async with scoring.service.base.database.read() as connection:
            raw = await raw_connection(connection)
            frame = await metric_frame(raw, sorted(known), COMPARED, as_of=instant, zone=zone, currency=currency)

    assert frame.height == len(known) > 200
    for row in frame.iter_rows(named=True):
        wanted = Oracle(known[row["customer_id"]], as_of=instant, zone=zone, currency=currency).metrics()
        for key, parts in COMPARED.items():
            expected = wanted.get(key)
            if not parts:
                assert row[key] == expected, (row["customer_id"], key)
            elif expected is None:
                assert row[f"{key}.num"] is None or row[f"{key}.den"] is None, (row["customer_id"], key)
            else:
                assert row[f"{key}.num"] == expected * row[f"{key}.den"], (row["customer_id"], key)
