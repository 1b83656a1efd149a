"""Attainment, handling time and fairness, counted from what the engine stored while cases were lived through."""

import csv
import io
from datetime import timedelta

from services.crisis.store.reports import Asked, _statement
from tests.support.crisis import MONDAY, a_complaint, a_snapshot

STATES = ("met", "breached_closed", "breached_open", "running", "cancelled", "void", "excluded")


async def a_case(crisis, customer, service_class="key", **fields):
    await crisis.deliver(a_snapshot(customer, service_class), a_complaint(customer, at=crisis.clock.now(), **fields))
    return (await crisis.case_of(customer))["id"]


async def report(crisis, name="attainment", **params):
    answer = await crisis.client.get(f"/v1/reports/{name}", params=params)
    assert answer.status_code == 200, answer.text
    return answer.json()


def group(answer, **keys):
    (found,) = [row for row in answer["groups"] if all(row[name] == value for name, value in keys.items())]
    return found


def states(row):
    return {name: row[name] for name in STATES if row[name]}


async def three_cases(crisis):
    """C-1 is answered in time, C-2 two hours late, C-3 not at all and is a day old in the end."""
    first, second, third = [await a_case(crisis, f"C-{number}") for number in (1, 2, 3)]
    await crisis.after(minutes=20)
    await crisis.act(first, "respond")
    await crisis.after(minutes=160)
    await crisis.act(second, "respond")
    await crisis.step(MONDAY + timedelta(days=1))
    return first, second, third


async def test_every_clock_is_in_one_state_and_the_ratios_say_what_they_divide(crisis):
    await three_cases(crisis)

    answer = await report(crisis)

    row = group(answer, service_class="key", target="first_response")
    assert states(row) == {"met": 1, "breached_closed": 1, "breached_open": 1}
    assert (row["ratio_ended"], row["ratio_due"]) == (0.5, 0.333333)
    assert (row["overrun_p50_seconds"], row["overrun_p90_seconds"]) == (2 * 3600, 2 * 3600)
    assert row["open_overrun_p90_seconds"] == 23 * 3600
    assert (answer["total"]["service_class"], answer["total"]["target"]) == (None, None)
    for name in ("clocks", *STATES):
        assert answer["total"][name] == sum(row[name] for row in answer["groups"])
    for row in [answer["total"], *answer["groups"]]:
        assert row["clocks"] == sum(row[name] for name in STATES) > 0
    assert answer["total"]["clocks"] == await crisis.value("select count(*) from clock")
    assert set(STATES) <= set(answer["definition"])


async def test_a_clock_whose_timer_is_late_is_breached_in_the_report_already(crisis):
    await a_case(crisis, "C-1")
    crisis.clock.move(MONDAY + timedelta(hours=2))

    row = group(await report(crisis), target="acknowledge")

    assert states(row) == {"breached_open": 1}
    assert row["open_overrun_p50_seconds"] == 90 * 60


async def test_each_cycle_of_a_recurring_promise_counts_with_its_own_result_and_due_date(crisis):
    case = await a_case(crisis, "C-1")
    await crisis.after(hours=10)
    await crisis.act(case, "update")
    await crisis.after(hours=30)
    await crisis.act(case, "update")

    row = group(await report(crisis, by="target"), target="update_cadence")
    by_day = await report(crisis, by="target", cohort="day", target="update_cadence")

    assert states(row) == {"met": 1, "breached_closed": 1, "running": 1}
    assert row["overrun_p50_seconds"] == 6 * 3600
    assert [(r["cohort"], states(r)) for r in by_day["groups"]] == [
        ("2026-03-03", {"met": 1, "breached_closed": 1}),
        ("2026-03-04", {"running": 1}),
    ]


async def test_cohorts_are_days_of_the_zone_asked_for(crisis):
    await a_case(crisis, "C-1")

    due_at_night = {"target": "initial_resolution", "cohort": "day"}
    shanghai = await report(crisis, **due_at_night, zone="Asia/Shanghai")
    honolulu = await report(crisis, **due_at_night, zone="Pacific/Honolulu")
    week = await report(crisis, target="initial_resolution", cohort="week")

    assert [r["cohort"] for r in shanghai["groups"]] == ["2026-03-03"]
    assert [r["cohort"] for r in honolulu["groups"]] == ["2026-03-02"]
    assert [r["cohort"] for r in week["groups"]] == ["2026-03-02"]


async def test_what_an_event_of_earlier_effect_takes_back_leaves_the_report(crisis):
    case = await a_case(crisis, "C-1")
    await crisis.after(hours=2)
    assert states(group(await report(crisis), target="first_response")) == {"breached_open": 1}

    await crisis.act(case, "respond", at=(MONDAY + timedelta(minutes=30)).isoformat())

    row = group(await report(crisis), target="first_response")
    assert states(row) == {"met": 1}
    assert row["ratio_due"] == 1.0


async def test_a_result_declared_void_by_a_reopening_is_in_no_ratio(crisis):
    case = await a_case(crisis, "C-1")
    await crisis.after(hours=1)
    await crisis.act(case, "resolve", resolution="fixed")
    await crisis.after(hours=1)
    answer = await crisis.act(case, "reopen", mode="invalidate_previous", reason="it was not fixed")
    assert answer.status_code == 200, answer.text

    row = group(await report(crisis), target="resolution")

    assert states(row) == {"void": 1, "running": 1}
    assert (row["ratio_ended"], row["ratio_due"]) == (None, None)


async def test_cancelled_clocks_and_those_of_drills_and_dismissed_cases_are_told_apart_from_the_rest(crisis):
    first, second, third = [await a_case(crisis, f"C-{number}") for number in (1, 2, 3)]
    await crisis.act(first, "resolve", resolution="fixed")
    await crisis.act(second, "dismiss", reason="a mistake")
    await crisis.execute("update crisis_case set drill = true where id = $1", third)

    total = (await report(crisis))["total"]

    per_case = total["clocks"] // 3
    assert total["excluded"] == 2 * per_case
    assert total["met"] + total["cancelled"] == per_case
    assert total["cancelled"] > 0
    assert total["ratio_due"] == 1.0


async def test_the_pause_share_is_of_the_time_that_could_have_counted(crisis):
    case = await a_case(crisis, "C-1")
    await crisis.after(minutes=5)
    await crisis.act(case, "wait", waiting_for="waiting_for_customer")
    paused = group(await report(crisis), target="first_response")
    await crisis.after(minutes=15)
    await crisis.act(case, "continue", waiting_for="waiting_for_customer")
    await crisis.act(case, "respond")

    row = group(await report(crisis), target="first_response")

    assert (paused["running"], paused["running_paused"], paused["pause_share"]) == (1, 1, None)
    assert row["pause_share"] == 0.75


async def test_a_period_holds_what_is_due_in_it_and_filters_leave_out_the_rest(crisis):
    await three_cases(crisis)
    await a_case(crisis, "C-4", "basic")

    hour = {"from": "2026-03-02T02:59:59Z", "to": "2026-03-02T03:00:00Z"}
    due_then = await report(crisis, **hour)
    before = await report(crisis, to="2026-03-02T02:59:59Z", target="first_response")
    basic = await report(crisis, service_class="basic", by="policy")
    by_policy = await report(crisis, by=["policy", "type", "severity", "owner"], policy="key")

    assert {row["target"] for row in due_then["groups"]} == {"first_response"}
    assert due_then["total"]["clocks"] == 3
    assert (before["total"]["clocks"], before["groups"]) == (0, [])
    assert {row["policy"] for row in basic["groups"]} == {"basic"}
    assert {(row["policy"], row["type"]) for row in by_policy["groups"]} == {("key", "complaint")}


async def test_a_table_is_answered_where_it_is_asked_for_and_holds_the_same_figures(crisis):
    case, _, _ = await three_cases(crisis)
    await crisis.act(case, "assign", owner="=cmd|'/c calc'!A1")
    await crisis.execute("update crisis_case set owner = $2 where id = $1", case, "=1+1")

    asked = {"by": ["owner", "target"]}
    answer = await crisis.client.get("/v1/reports/attainment", params=asked, headers={"Accept": "text/csv"})
    same = await crisis.client.get("/v1/reports/attainment", params={**asked, "format": "csv"})
    as_json = await report(crisis, **asked)

    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.text == same.text
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert {row["owner"] for row in rows} == {"", "'=1+1"}
    assert [int(row["clocks"]) for row in rows] == [row["clocks"] for row in as_json["groups"]]
    assert [row["ratio_due"] for row in rows] == [
        "" if r["ratio_due"] is None else str(r["ratio_due"]) for r in as_json["groups"]
    ]


async def test_what_cannot_be_counted_is_said_with_field_and_rule(crisis):
    asked = {"from": "2026-03-02T00:00:00Z", "to": "2026-03-01T00:00:00Z", "zone": "Mars/Olympus", "cohort": "year"}

    backwards = await crisis.client.get("/v1/reports/attainment", params={**asked, "cohort": "day"})
    unknown = await crisis.client.get("/v1/reports/attainment", params={"cohort": "year"})
    naive = await crisis.client.get("/v1/reports/fairness", params={"from": "2026-03-02T00:00:00"})

    errors = [(error["pointer"], error["rule"]) for error in backwards.json()["errors"]]
    assert errors == [("/query/from", "order"), ("/query/zone", "unknown-zone")]
    assert unknown.json()["errors"][0]["pointer"] == "/query/cohort"
    assert {answer.status_code for answer in (backwards, unknown, naive)} == {422}


async def test_handling_time_is_from_receipt_to_resolution_and_measured_by_the_yardstick(crisis):
    for customer, service_class, hours in (("C-1", "key", 4), ("C-2", "key", 4), ("C-3", "basic", 40)):
        case = await a_case(crisis, customer, service_class)
        await crisis.after(hours=hours)
        await crisis.act(case, "resolve", resolution="fixed")
    await a_case(crisis, "C-4")

    answer = await report(crisis, "handling-time")

    assert answer["yardstick"] == {
        "before_hours": 72, "target_hours": 12, "of": "mean handling time over all complaints", "reached": False,
    }  # fmt: skip
    told = {
        row["service_class"]: (row["matters"], row["mean_hours"], row["p50_hours"], row["p90_hours"])
        for row in [answer["total"], *answer["groups"]]
    }
    assert told == {None: (3, 16.0, 4.0, 40.0), "key": (2, 4.0, 4.0, 4.0), "basic": (1, 40.0, 40.0, 40.0)}
    assert group(answer, service_class="key")["within_yardstick"] is True
    empty = await report(crisis, "handling-time", **{"from": "2027-01-01T00:00:00Z"})
    assert (empty["total"]["matters"], empty["yardstick"]["reached"], empty["groups"]) == (0, None, [])


async def test_fairness_sets_the_limits_of_the_law_for_each_class_beside_what_it_is_promised(crisis):
    regulated = [
        await a_case(crisis, customer, service_class, regulated="cn-public-opinion-other")
        for customer, service_class in (("C-1", "strategic"), ("C-2", "basic"), ("C-3", "basic"))
    ]
    await a_case(crisis, "C-4", "key")
    for case in regulated[:2]:
        await crisis.act(case, "respond")
        await crisis.act(case, "resolve", resolution="fixed")
        await crisis.act(case, "final-answer", text="this is our final answer")
    await crisis.step(MONDAY + timedelta(days=120))

    answer = await report(crisis, "fairness")

    assert [row["service_class"] for row in answer["classes"]] == ["strategic", "key", "standard", "basic"]
    strategic, key, standard, basic = answer["classes"]
    assert strategic["statutory"]["clocks"] == strategic["statutory"]["met"] > 0
    assert basic["statutory"]["breached_open"] == basic["statutory"]["met"] == strategic["statutory"]["met"]
    assert (strategic["statutory_kept"], strategic["statutory_gap"]) == (True, 0.0)
    assert (basic["statutory_kept"], basic["statutory_gap"]) == (False, 0.5)
    assert (key["statutory"]["clocks"], key["statutory_kept"], standard["promised"]["clocks"]) == (0, None, 0)
    assert key["promised"]["clocks"] > 0
    table = await crisis.client.get("/v1/reports/fairness", params={"format": "csv"})
    assert [line.split(",")[:3] for line in table.text.splitlines()[1:]] == [
        ["strategic", "true", "0.0"], ["key", "", ""], ["standard", "", ""], ["basic", "false", "0.5"],
    ]  # fmt: skip


async def test_a_period_is_looked_up_by_index_among_many_clocks(crisis):
    await crisis.execute(
        """
        insert into clock
        select 'clock-' || n, 'case-' || n, null, 'C-' || n, 'resolution', 'key@1', 'key@1', 1, '[]', 1, 'completed',
               'met', false, null, at, at, at, false, null, at, 1, 1, 1, null, false, 0, null
        from generate_series(1, 20000) n, lateral (select timestamptz '2025-01-01Z' + n * interval '30 minutes') s (at)
        """
    )
    await crisis.execute("analyze clock")
    asked = Asked(MONDAY, since=MONDAY - timedelta(days=30), until=MONDAY, by=("target",), cohort="day")
    statement, values = _statement(asked)

    plan = "\n".join(row[0] for row in await crisis.rows(f"explain {statement}", *values))

    assert "clock_by_due" in plan
    assert "past_cycle_by_due" in plan or "Seq Scan on past_cycle" in plan
    assert "Seq Scan on clock" not in plan
