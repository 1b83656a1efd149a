"""Every figure of the reports on a few rows whose answers were worked out by hand, and what the engine adds to them."""

from datetime import UTC, datetime, timedelta

from tests.integration.crisis.test_merging import merge, one_customer
from tests.integration.crisis.test_recalculate import another_version, approved, dry_run
from tests.support.crisis import a_complaint, a_snapshot

HOUR = 3600.0
NOW = datetime(2026, 11, 2, 12, 0, tzinfo=UTC)


async def a_row(crisis, table, **fields):
    places = ", ".join(f"${number}" for number in range(1, len(fields) + 1))
    await crisis.execute(f"insert into {table} ({', '.join(fields)}) values ({places})", *fields.values())


async def a_case(crisis, number, service_class="key", *, drill=False, status="open"):
    await a_row(
        crisis, "crisis_case", id=f"case-{number}", number=f"CR-{number}", customer_id=f"C-{number}", type="complaint",
        title="t", severity="S2", computed_severity="S2", explanation="{}", stage="assessment", status=status,
        service_class=service_class, provisional=False, impact="low", is_public=False, opened_at=NOW, version=1,
        policy="p@1", escalation_policy="e@1", reopened_count=0, earlier_cases=0, drill=drill, timeline_seq=0,
        timeline_hash="",
    )  # fmt: skip


async def a_clock(crisis, case, target, due, *, result="open", ended=None, elapsed=0, paused=0, **more):
    """A clock due at `due`; `ended` is how many hours after that it ended, or before where negative."""
    stopped = None if ended is None else due + timedelta(hours=ended)
    late = result == "missed" or more.pop("breached", False)
    fields = {
        "id": f"clock-{case}-{target}-{due.isoformat()}", "case_id": f"case-{case}", "customer_id": f"C-{case}",
        "matter_id": f"m-{due.isoformat()}", "target": target,
        "pin": "p@1", "policy": "p@1", "recorded": 1, "told": "[]", "cycle": 1,
        "stage": {"open": "in_progress", "cancelled": "cancelled"}.get(result, "completed"), "result": result,
        "has_breached": late, "started_at": due - timedelta(hours=10), "due_at": due, "due_if_resumed_now": due,
        "provisional": False, "breached_at": due if late else None, "stopped_at": stopped,
        "elapsed_seconds": elapsed * HOUR, "paused_seconds": paused * HOUR, "closed_seconds": 0.0, "statutory": False,
        "warnings": 0, **more,
    }  # fmt: skip
    await a_row(crisis, "clock", **fields)


async def report(crisis, name="attainment", **params):
    answer = await crisis.client.get(f"/v1/reports/{name}", params=params)
    assert answer.status_code == 200, answer.text
    return answer.json()


def figures(row, *names):
    return [row[name] for name in names]


STATES = ("met", "breached_closed", "breached_open", "running", "running_paused", "cancelled", "void", "excluded")


async def a_table(crisis):
    """Sixteen clocks of one target, due day by day in May; what becomes of each stands beside it.

    met 5 · late by 1, 2, 3, 4 and 40 hours · open and late by 10 and 30 hours · running, paused · cancelled · void
    """
    crisis.clock.move(NOW)
    await a_case(crisis, 1)
    await a_case(crisis, 2, drill=True)
    await a_case(crisis, 3, status="dismissed")
    may = [datetime(2026, 5, day, 12, tzinfo=UTC) for day in range(1, 32)]
    for day in range(5):
        await a_clock(crisis, 1, "r", may[day], result="met", ended=-day, elapsed=4, paused=1)
    for day, late in enumerate((1, 2, 3, 4, 40), start=5):
        await a_clock(crisis, 1, "r", may[day], result="missed", ended=late, elapsed=6, paused=3)
    await a_clock(crisis, 1, "q", NOW - timedelta(hours=10), breached=True, elapsed=99, paused=99)
    await a_clock(crisis, 2, "q", NOW - timedelta(hours=30), breached=True)
    await a_clock(crisis, 3, "r", may[10], result="met", ended=-1)


async def test_states_ratios_overruns_and_pause_share_are_those_worked_out_by_hand(crisis):
    await a_table(crisis)
    late = NOW - timedelta(hours=30)
    await a_clock(crisis, 1, "q", late)  # its timer has not come yet
    await a_clock(crisis, 1, "q", NOW + timedelta(hours=1))
    await a_clock(crisis, 1, "q", NOW + timedelta(hours=2), stage="paused")
    await a_clock(crisis, 1, "q", NOW - timedelta(hours=2), result="cancelled", ended=1, breached=True)
    await a_clock(crisis, 1, "q", NOW - timedelta(hours=3), result="void", ended=-1)

    answer = await report(crisis, by="target")

    q, r = answer["groups"]
    assert figures(r, *STATES) == [5, 5, 0, 0, 0, 0, 0, 1]
    assert figures(r, "clocks", "ratio_ended", "ratio_due") == [11, 0.5, 0.5]
    # Late by 1, 2, 3, 4, 40 hours: half of them are late by at most 3, nine tenths by at most 40.
    assert figures(r, "overrun_p50_seconds", "overrun_p90_seconds") == [3 * HOUR, 40 * HOUR]
    # Paused 5 × 1 + 5 × 3 = 20 hours beside 5 × 4 + 5 × 6 = 50 that counted.
    assert r["pause_share"] == round(20 / 70, 6)
    assert figures(q, *STATES) == [0, 0, 2, 2, 1, 1, 1, 1]
    assert figures(q, "clocks", "ratio_ended", "ratio_due", "pause_share") == [7, None, 0.0, None]
    assert figures(q, "open_overrun_p50_seconds", "open_overrun_p90_seconds") == [10 * HOUR, 30 * HOUR]
    total = answer["total"]
    assert figures(total, *STATES) == [5, 5, 2, 2, 1, 1, 1, 2]
    assert figures(total, "clocks", "ratio_ended", "ratio_due") == [18, 0.5, round(5 / 12, 6)]


async def test_what_is_due_at_midnight_belongs_to_the_day_that_ends(crisis):
    """London's clocks go forward on 29 March 2026, and back on 25 October: its midnight is 23:00Z or 00:00Z."""
    crisis.clock.move(NOW)
    await a_case(crisis, 1)
    dues = {
        "2026-03-28T00:00:00": "2026-03-27",  # 24:00 of the 27th, winter
        "2026-03-29T00:00:00": "2026-03-28",
        "2026-03-29T22:59:59": "2026-03-29",  # a day of 23 hours
        "2026-03-29T23:00:00": "2026-03-29",  # 24:00 of the 29th, summer
        "2026-03-29T23:00:01": "2026-03-30",
        "2026-10-24T23:00:00": "2026-10-24",
        "2026-10-26T00:00:00": "2026-10-25",  # a day of 25 hours
        "2026-10-31T23:30:00": "2026-10-31",
    }
    for at in dues:
        await a_clock(crisis, 1, "r", datetime.fromisoformat(at + "+00:00"), result="met", ended=-1)

    by_day = await report(crisis, by="target", cohort="day", zone="Europe/London")
    by_week = await report(crisis, by="target", cohort="week", zone="Europe/London")
    by_month = await report(crisis, by="target", cohort="month", zone="Asia/Shanghai")
    march = {"from": "2026-03-29T00:00:00Z", "to": "2026-03-29T23:00:00Z"}
    the_29th = await report(crisis, by="target", cohort="day", zone="Europe/London", **march)

    told = sorted(dues.values())
    assert {row["cohort"]: row["met"] for row in by_day["groups"]} == {day: told.count(day) for day in told}
    assert {row["cohort"]: row["met"] for row in by_week["groups"]} == {
        "2026-03-23": 4, "2026-03-30": 1, "2026-10-19": 2, "2026-10-26": 1,
    }  # fmt: skip
    # In Shanghai the last one is due on 1 November at 07:30.
    assert {row["cohort"]: row["met"] for row in by_month["groups"]} == {
        "2026-03-01": 5, "2026-10-01": 2, "2026-11-01": 1,
    }  # fmt: skip
    assert {row["cohort"]: row["met"] for row in the_29th["groups"]} == {"2026-03-29": 2}


async def test_fairness_holds_every_class_against_the_best_of_all_also_where_one_is_asked_for(crisis):
    crisis.clock.move(NOW)
    due = NOW - timedelta(days=9)
    for number, (service_class, late) in enumerate((("strategic", 0), ("key", 1), ("basic", 3)), start=1):
        await a_case(crisis, number, service_class)
        for place in range(4):
            ended = {"result": "missed", "ended": 1} if place < late else {"result": "met", "ended": -1}
            await a_clock(crisis, number, f"law-{place}", due, statutory=True, **ended)

    everybody = (await report(crisis, "fairness"))["classes"]
    basic = (await report(crisis, "fairness", service_class="basic"))["classes"]

    told = {row["service_class"]: figures(row, "statutory_kept", "statutory_gap") for row in everybody}
    assert told == {
        "strategic": [True, 0.0], "key": [False, 0.25], "standard": [None, None], "basic": [False, 0.75],
    }  # fmt: skip
    assert [row for row in everybody if row["service_class"] == "basic"] == basic


async def test_handling_time_by_class_and_month_is_worked_out_by_hand_across_a_clock_change(crisis):
    """Received at 12:00 in London on the day before the change, resolved at 12:00 on it: 23 hours, not 24."""
    crisis.clock.move(NOW)
    for number in (1, 2, 3):
        await a_case(crisis, number, drill=number == 2, status="merged" if number == 3 else "open")
    noon = datetime(2026, 3, 28, 12, tzinfo=UTC)
    hours = {1: (23, 1, 2, 30), 2: (500,), 3: (4,)}
    for case, spans in hours.items():
        for place, span in enumerate(spans):
            await a_row(
                crisis, "matter", id=f"m-{case}-{place}", case_id=f"case-{case}", customer_id=f"C-{case}",
                type="complaint", dedup="d", title="t", status="dismissed" if case == 3 else "resolved", impact="low",
                is_public=False, received_at=noon, opened_at=noon, resolved_at=noon + timedelta(hours=span),
            )  # fmt: skip

    answer = await report(crisis, "handling-time", cohort="day", zone="Europe/London")

    total = answer["total"]
    assert figures(total, "matters", "mean_hours", "p50_hours", "p90_hours", "within_yardstick") == [
        4, 14.0, 2.0, 30.0, False,
    ]  # fmt: skip
    # Within 11 hours the 28th is over; the 30 hours end at 19:00 on the 29th.
    assert [figures(row, "cohort", "matters", "mean_hours") for row in answer["groups"]] == [
        ["2026-03-28", 2, 1.5], ["2026-03-29", 2, 26.5],
    ]  # fmt: skip


async def live_case(crisis, customer):
    await crisis.deliver(a_snapshot(customer), a_complaint(customer, at=crisis.clock.now()))
    return (await crisis.case_of(customer))["id"]


async def test_a_recalculated_result_counts_once_and_what_it_supersedes_nowhere(crisis):
    case = await live_case(crisis, "C-1")
    await crisis.after(minutes=40)
    await crisis.act(case, "acknowledge")
    before = (await report(crisis, target="acknowledge"))["total"]
    await another_version(crisis, acknowledge={"elapsed": "PT1H", "department": "vip_desk"})

    await approved(crisis, await dry_run(crisis))

    after = await report(crisis, target="acknowledge", by=["department", "policy"])
    assert figures(before, "clocks", "breached_closed") == [1, 1]
    assert [figures(row, "department", "policy", *STATES) for row in after["groups"]] == [
        ["vip_desk", "key", 1, 0, 0, 0, 0, 0, 0, 0],
    ]  # fmt: skip
    assert await crisis.value("select count(*) from superseded_result where target = 'acknowledge'") == 1


async def test_of_two_cases_that_became_one_each_promise_counts_once_and_the_twin_is_cancelled(crisis):
    first, second = await live_case(crisis, "C-1"), await live_case(crisis, "C-2")
    await crisis.after(minutes=10)
    await crisis.act(first, "acknowledge")
    before = (await report(crisis))["total"]
    await one_customer(crisis, "C-2", "C-1")
    merged = await merge(crisis, second, first)
    assert merged.status_code == 200, merged.text

    after = (await report(crisis))["total"]

    # The matter of the second goes over with its four clocks; its update cadence goes with the case.
    assert figures(before, *STATES) == [1, 0, 0, 9, 0, 0, 0, 0]
    assert figures(after, *STATES) == [1, 0, 0, 8, 0, 1, 0, 0]
