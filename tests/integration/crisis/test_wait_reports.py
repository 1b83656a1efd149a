"""The report of waits: who waited for whom, how often, how long, and beyond which limits, from the rows of waits."""

import csv
import io
from datetime import timedelta

from services.crisis.store.reports import Asked
from services.crisis.store.wait_reports import AskedWaits, waits_statement
from tests.support.crisis import MONDAY, a_complaint, a_snapshot

HOUR, DAY = 3600.0, 86_400.0


async def a_case(crisis, customer, service_class="key"):
    await crisis.deliver(a_snapshot(customer, service_class), a_complaint(customer, at=crisis.clock.now()))
    return (await crisis.case_of(customer))["id"]


async def waited(crisis, case, hours, reason="waiting_for_customer"):
    await crisis.act(case, "wait", waiting_for=reason)
    await crisis.after(hours=hours)
    await crisis.act(case, "continue", waiting_for=reason)


async def report(crisis, **params):
    answer = await crisis.client.get("/v1/reports/waiting", params=params)
    assert answer.status_code == 200, answer.text
    return answer.json()


def by(answer, *names):
    return {tuple(row[name] for name in names): row for row in answer["groups"]}


async def some_waits(crisis):
    """Waits of 2, 6 and 10 hours for the customer, 4 hours and an open one of 30 hours for the carrier, all by hand."""
    key, basic = await a_case(crisis, "C-1"), await a_case(crisis, "C-2", "basic")
    for hours in (2, 6):
        await waited(crisis, key, hours)
    await waited(crisis, basic, 10)
    await waited(crisis, basic, 4, "waiting_for_carrier")
    await crisis.act(key, "wait", waiting_for="waiting_for_carrier")
    await crisis.after(hours=30)
    return key, basic


async def test_waits_are_counted_by_reason_and_parties_with_their_lengths(crisis):
    await some_waits(crisis)

    answer = await report(crisis)

    rows = by(answer, "reason", "who", "for_whom")
    customer = rows["waiting_for_customer", "us", "customer"]
    carrier = rows["waiting_for_carrier", "us", "third_party"]
    assert [(row["waits"], row["ended"], row["open"], row["cases"]) for row in (customer, carrier)] == [
        (3, 3, 0, 2), (2, 1, 1, 2),
    ]  # fmt: skip
    assert (customer["ended_seconds"], customer["ended_p50_seconds"], customer["ended_p90_seconds"]) == (
        18 * HOUR, 6 * HOUR, 10 * HOUR,
    )  # fmt: skip
    assert (carrier["ended_p50_seconds"], carrier["open_p50_seconds"], carrier["longest_seconds"]) == (
        4 * HOUR, 30 * HOUR, 30 * HOUR,
    )  # fmt: skip
    assert (customer["name_zh"], customer["name_en"]) == ("等待客户", "Waiting for the customer")
    total = answer["total"]
    assert (total["waits"], total["cases"], total["ended_seconds"], total["open_seconds"]) == (
        5, 2, 22 * HOUR, 30 * HOUR,
    )  # fmt: skip
    assert (total["reason"], total["name_zh"], total["answered_share"]) == (None, None, 1.0)


async def test_waits_by_class_and_cohort_in_a_zone_and_filtered_by_party(crisis):
    await some_waits(crisis)

    # Began at 10:00, 12:00, 18:00 on Monday and 04:00, 08:00 on Tuesday in Shanghai.
    by_day = await report(crisis, by="service_class", cohort="day", zone="Asia/Shanghai")
    third = await report(crisis, by="policy", for_whom="third_party")
    later = await report(crisis, **{"from": "2026-03-02T20:00:00Z", "to": "2026-03-03T00:00:00Z"})

    assert {keys: row["waits"] for keys, row in by(by_day, "service_class", "cohort").items()} == {
        ("key", "2026-03-02"): 2, ("key", "2026-03-03"): 1, ("basic", "2026-03-02"): 1, ("basic", "2026-03-03"): 1,
    }  # fmt: skip
    assert {keys: row["waits"] for keys, row in by(third, "policy").items()} == {("key",): 1, ("basic",): 1}
    assert [(row["reason"], row["ended"]) for row in later["groups"]] == [("waiting_for_carrier", 1)]


async def test_what_lasted_beyond_its_limit_and_what_ended_at_it_is_told_apart(crisis):
    """The limit for a customer is 14 days: one wait ends there, one is approved beyond it, one approved ends before."""
    cases = [await a_case(crisis, f"C-{number}") for number in (1, 2, 3)]
    approved = {"until": (MONDAY + timedelta(days=20)).isoformat(), "approved_by": "E-0007"}
    await crisis.act(cases[0], "wait")
    await crisis.act(cases[1], "wait", **approved)
    await crisis.act(cases[2], "wait", **approved)
    await crisis.after(days=3)
    await crisis.act(cases[2], "continue")

    before = (await report(crisis))["total"]
    await crisis.step(MONDAY + timedelta(days=16))
    during = (await report(crisis))["total"]
    ends = by(await report(crisis, by="ended_because"), "ended_because")

    told = ("ended", "open", "approved", "beyond_limit", "at_limit")
    assert [before[name] for name in told] == [1, 2, 2, 0, 0]
    assert [during[name] for name in told] == [2, 1, 2, 1, 1]
    assert during["answered_share"] == 0.5
    assert {keys[0]: row["waits"] for keys, row in ends.items()} == {None: 1, "continued": 1, "one_wait": 1}


async def test_a_wait_whose_timer_is_late_ended_when_its_end_came(crisis):
    case = await a_case(crisis, "C-1")
    await crisis.act(case, "wait", until=(MONDAY + timedelta(hours=5)).isoformat())
    crisis.clock.move(MONDAY + timedelta(days=2))

    row = (await report(crisis, by="ended_because"))["groups"][0]

    assert (row["ended_because"], row["ended"], row["open"], row["ended_seconds"]) == ("until", 1, 0, 5 * HOUR)


async def test_drills_and_dismissed_cases_are_excluded_from_every_figure(crisis):
    cases = [await a_case(crisis, f"C-{number}") for number in (1, 2, 3)]
    for case in cases:
        await crisis.act(case, "wait")
    await crisis.after(hours=1)
    await crisis.act(cases[1], "dismiss", reason="a mistake")
    await crisis.execute("update crisis_case set drill = true where id = $1", cases[2])

    total = (await report(crisis))["total"]

    assert (total["waits"], total["open"], total["excluded"], total["cases"]) == (3, 1, 2, 1)
    assert (total["open_seconds"], total["ended_seconds"], total["longest_seconds"]) == (HOUR, 0.0, HOUR)


async def test_the_table_says_the_same_and_may_be_titled_in_chinese(crisis):
    await some_waits(crisis)

    plain = await crisis.client.get("/v1/reports/waiting", params={"format": "csv", "by": "reason"})
    chinese = await crisis.client.get("/v1/reports/waiting", params={"format": "csv", "by": "reason", "lang": "zh-CN"})
    as_json = await report(crisis, by="reason")

    rows = list(csv.DictReader(io.StringIO(plain.text)))
    assert [(row["reason"], int(row["waits"])) for row in rows] == [
        (row["reason"], row["waits"]) for row in as_json["groups"]
    ]
    titled = list(csv.reader(io.StringIO(chinese.content.decode("utf-8-sig"))))
    assert titled[0][:6] == ["等待原因代码", "等待原因", "等待原因（英文）", "等待次数", "已结束", "等待中"]
    assert titled[1:] == list(csv.reader(io.StringIO(plain.text)))[1:]
    assert chinese.content.startswith(b"\xef\xbb\xbf")
    assert not plain.content.startswith(b"\xef\xbb\xbf")


async def test_a_period_is_looked_up_by_index_among_many_waits(crisis):
    await crisis.execute(
        """
        insert into wait (id, case_id, customer_id, reason, name, who, for_whom, rules, since, ends_at, ends_because,
                          by, recorded_at, ended_at, ended_because)
        select 'W-' || n, 'case-' || n, 'C-' || n, 'r', '{}', 'us', 'customer', 'r@1', at, at, 'until',
               'E', at, at, 'until'
        from generate_series(1, 20000) n, lateral (select timestamptz '2025-01-01Z' + n * interval '10 minutes') t (at)
        """
    )
    await crisis.execute("analyze wait")
    asked = Asked(MONDAY, since=MONDAY - timedelta(days=200), until=MONDAY - timedelta(days=199))

    statement, values = waits_statement(AskedWaits(asked, ("reason",)))
    plan = "\n".join(row[0] for row in await crisis.rows("explain " + statement, *values))

    assert "wait_by_beginning" in plan
    assert "Seq Scan on wait" not in plan
