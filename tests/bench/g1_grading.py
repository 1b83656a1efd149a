"""G1: grade by `rfm-lifecycle`, a crowd at once and batches as events bring them, in memory."""

import time
from collections.abc import Callable

import polars as pl

from services.scoring.domain.evaluator import evaluate
from services.scoring.domain.explain import evaluate_one
from tests.bench.bench import Bench
from tests.bench.table import Row, median
from tests.support.tier_models import shipped

CROWD, RUNS, CALLS = 3_000_000, 5, 200
SPREAD = {
    "days_since_last_purchase": 500,
    "customer_age_days": 2_000,
    "purchases_90d": 8,
    "spend_365d": 80_000_000,
    "spend_90d": 20_000_000,
    "spend_90d_prev": 20_000_000,
}


async def run(bench: Bench) -> list[Row]:
    """Rows a second for a crowd; milliseconds a call for one customer and for batches."""
    model = shipped("rfm-lifecycle")
    crowd = customers(CROWD)
    rates = [CROWD / seconds for seconds in _timed(lambda: evaluate(model, crowd), RUNS)]
    single = crowd.row(0, named=True)
    rows = [
        Row(
            id="G1",
            what=f"grade {CROWD:,} customers at once by rfm-lifecycle, bands and points included",
            ours=median(rates),
            unit="customers/s",
            goal=5_000_000,
            runs=tuple(rates),
        )
    ]
    for count in (1, 1_000, 5_000):
        batch = crowd.head(count)
        calls = _timed(lambda batch=batch: evaluate(model, batch), CALLS)
        rows.append(
            Row(id="G1", what=f"one call for {count:,}", ours=1000 * median(calls), unit="ms", goal=3, less=True)
        )
    told = _timed(lambda: evaluate_one(model, single), CALLS)
    rows.append(
        Row(id="G1", what="explain one customer, counterfactuals included", ours=1000 * median(told), unit="ms")
    )
    return rows


def customers(count: int) -> pl.DataFrame:
    """Customers whose metrics are spread evenly, the same in every run."""
    number = pl.int_range(count, eager=True)
    columns = {name: (number.hash(seed=seed) % most).cast(pl.Int64) for seed, (name, most) in enumerate(SPREAD.items())}
    return pl.DataFrame({"customer_id": number.cast(pl.String)} | columns)


def _timed(call: Callable[[], object], times: int) -> list[float]:
    call()
    found = []
    for _ in range(times):
        started = time.perf_counter()
        call()
        found.append(time.perf_counter() - started)
    return found
