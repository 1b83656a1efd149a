"""The report against the fold: cases lived through at random, every cycle told by the API tallied by hand."""

import random
from collections import Counter
from datetime import datetime, timedelta

import pytest

from services.crisis.domain.clocks import Cancel
from services.crisis.library import Library
from services.crisis.store.load import load_file
from services.crisis.usecases.session import finish, tools_for
from tests.support.crisis import MONDAY, a_complaint, a_snapshot

CLASSES = ("strategic", "key", "standard", "basic")


def state(clock):
    """The state in the report, said of one cycle as the API tells it."""
    if clock["result"] == "open":
        return "breached_open" if clock["has_breached"] else "running"
    return {"missed": "breached_closed"}.get(clock["result"], clock["result"])


async def a_life(crisis, chance, case):
    """A handful of actions with hours in between; what is refused is refused."""
    waiting = False
    for _ in range(chance.randint(3, 9)):
        await crisis.after(minutes=chance.choice((7, 45, 200, 1500)))
        action = chance.choice(("acknowledge", "respond", "update", "update", "propose-resolution", "wait", "reopen"))
        if waiting:
            action, waiting = "continue", False
        body = {"waiting_for": "waiting_for_customer"} if action in {"wait", "continue"} else {}
        if action == "reopen":
            await crisis.act(case, "resolve", resolution="fixed")
            await crisis.after(minutes=30)
            modes = ("resume", "resume_including_closed", "new_cycle", "invalidate_previous")
            body = {"mode": chance.choice(modes), "reason": "not fixed"}
        answer = await crisis.act(case, action, **body)
        waiting = waiting or (action == "wait" and answer.status_code == 200)
    if chance.random() < 0.3:
        # Said late: it happened before what was recorded since.
        at = crisis.clock.now() - timedelta(hours=chance.randint(1, 40))
        await crisis.act(case, "update", at=max(at, MONDAY).isoformat())


@pytest.mark.parametrize("seed", range(4))
async def test_the_report_says_what_the_fold_says_of_every_cycle(crisis, seed):
    chance = random.Random(seed)
    cases = []
    for number in range(4):
        customer = f"C-{number}"
        await crisis.deliver(a_snapshot(customer, chance.choice(CLASSES)), a_complaint(customer, at=crisis.clock.now()))
        cases.append((await crisis.case_of(customer))["id"])
        await a_life(crisis, chance, cases[-1])

    told = [
        clock
        for case in cases
        for clock in (await crisis.client.get(f"/v1/cases/{case}/clocks")).json()["items"]
    ]  # fmt: skip
    total = (await crisis.client.get("/v1/reports/attainment")).json()["total"]

    assert {name: total[name] for name in ("clocks", "excluded")} == {"clocks": len(told), "excluded": 0}
    counted = Counter(state(clock) for clock in told)
    assert {n: total[n] for n in ("met", "breached_closed", "breached_open", "running", "cancelled", "void")} == {
        n: counted[n] for n in ("met", "breached_closed", "breached_open", "running", "cancelled", "void")
    }
    ended = [clock for clock in told if state(clock) in {"met", "breached_closed"}]
    paused, elapsed = (sum(clock[f"{name}_seconds"] for clock in ended) for name in ("paused", "elapsed"))
    assert total["pause_share"] == pytest.approx(paused / (paused + elapsed), abs=1e-6)
    overruns = sorted(
        (datetime.fromisoformat(clock["stopped_at"]) - datetime.fromisoformat(clock["breached_at"])).total_seconds()
        for clock in told
        if state(clock) == "breached_closed"
    )
    if overruns:
        assert total["overrun_p50_seconds"] == overruns[-(-len(overruns) // 2) - 1]
    assert max(clock["cycle"] for clock in told) > 1


async def test_a_cycle_that_an_earlier_event_takes_back_leaves_the_report(crisis):
    await crisis.deliver(a_snapshot("C-1", "key"), a_complaint("C-1"))
    case = (await crisis.case_of("C-1"))["id"]
    await crisis.after(hours=10)
    await crisis.act(case, "update")
    asked = {"target": "update_cadence"}
    before = (await crisis.client.get("/v1/reports/attainment", params=asked)).json()["total"]

    library = crisis.service.app.state.kernel.parts[Library]
    async with crisis.service.base.uow() as work:
        file = await load_file(work.raw, case)
        books = await library.books(work.raw)
        await library.know(work.raw, [file])
        (clock,) = [clock for clock in file.clocks if clock.target == "update_cadence"]
        clock.record(Cancel(at=MONDAY + timedelta(hours=5)), now=work.now, actor="E-1042")
        file.refold([clock], tools_for(work, books, [file]))
        await finish(work, [file], books)

    after = (await crisis.client.get("/v1/reports/attainment", params=asked)).json()["total"]
    assert (before["clocks"], before["met"], before["running"]) == (2, 1, 1)
    assert (after["clocks"], after["cancelled"]) == (1, 1)
    assert await crisis.value("select count(*) from past_cycle") == 0
