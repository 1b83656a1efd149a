"""E1: explaining a case of ten clocks over HTTP, its rows read, folded and written, on one connection."""

import time
from datetime import timedelta
from statistics import median

from shared.db.migrations import migrate
from tests.bench.bench import Bench
from tests.bench.table import Row
from tests.support.crisis import Crisis, a_complaint, a_crisis, a_snapshot

RUNS = 60


async def run(bench: Bench) -> list[Row]:
    """The median of several requests, the first ones not counted: documents are compiled once per version."""
    url = bench.database("explain")
    await migrate(url, "crisis")
    async with a_crisis(url) as crisis:
        case_id = await _a_case(crisis)
        clocks = len((await crisis.client.get(f"/v1/cases/{case_id}/clocks")).json()["items"])
        rows = []
        for shown in ("json", "text", "svg"):
            milliseconds = await _milliseconds(crisis, case_id, shown)
            what = f"explain a case of {clocks} clocks as {shown}"
            rows.append(Row(id="E1", what=what, ours=milliseconds, unit="ms", goal=20, less=True))
        return rows


async def _a_case(crisis: Crisis) -> str:
    """Complaints of a key customer until the case has ten clocks, with pauses and notice taken."""
    await crisis.deliver(a_snapshot("C-1", "key"))
    await crisis.deliver(a_complaint("C-1"))
    case_id = str((await crisis.case_of("C-1"))["id"])
    await crisis.act(case_id, "acknowledge")
    for _ in range(3):
        await crisis.act(case_id, "wait")
        crisis.clock.move(crisis.clock.now() + timedelta(minutes=5))
        await crisis.act(case_id, "continue")
    while await crisis.value("select count(*) from clock where case_id = $1", case_id) < 10:
        await crisis.deliver(a_complaint("C-1", at=crisis.clock.now()))
    crisis.clock.move(crisis.clock.now() + timedelta(days=3))
    return case_id


async def _milliseconds(crisis: Crisis, case_id: str, shown: str) -> float:
    spent = []
    for _ in range(RUNS):
        started = time.perf_counter()
        query = {"zone": "Asia/Shanghai", "format": shown}
        (await crisis.client.get(f"/v1/cases/{case_id}/sla/explain", params=query)).raise_for_status()
        spent.append((time.perf_counter() - started) * 1000)
    return median(spent[RUNS // 4 :])
