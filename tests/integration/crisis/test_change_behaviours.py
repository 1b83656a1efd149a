"""What a change of tier or severity does to running clocks: each behaviour, each tier basis, as policies say."""

from datetime import timedelta

from tests.support.crisis import MONDAY, a_complaint, a_snapshot, a_tier_change, activate

TEN_HOURS, FOUR_HOURS = {"elapsed": "PT10H"}, {"elapsed": "PT4H"}


async def promise(crisis, key, resolution, **rules):
    """A class is promised a resolution and nothing else."""
    body = {"key": key, "order": 1, "applies": {"service_class": key}, "targets": {"resolution": resolution}}
    await activate(crisis, "sla-policies", key, {**body, **rules})


async def promise_grave(crisis, resolution, **rules):
    """Whatever is of the gravest severity is promised this."""
    body = {"key": "grave", "order": 0, "applies": {"severity": ["S1"]}}
    await activate(
        crisis, "sla-policies", "grave", {**body, "targets": {"resolution": {"elapsed": resolution}}, **rules}
    )


async def regraded(crisis, service_class, *customers, version=2, hours=2):
    await crisis.after(hours=hours)
    ids = customers or ("C-1",)
    await crisis.deliver(*(a_snapshot(id_, service_class, version=version, at=crisis.clock.now()) for id_ in ids))


async def a_case(crisis, service_class="standard", customer="C-1"):
    await crisis.deliver(a_snapshot(customer, service_class), a_complaint(customer))
    return (await crisis.case_of(customer))["id"]


async def test_a_better_tier_does_to_ten_hours_what_their_policy_says(crisis):
    await promise(crisis, "key", FOUR_HOURS)
    expected = {
        "keep": (1, "2026-03-02T12:00:00Z"),
        "retarget_from_start": (1, "2026-03-02T06:00:00Z"),
        "restart_now": (2, "2026-03-02T08:00:00Z"),
        "prorate": (1, "2026-03-02T07:12:00Z"),
        "tighten_only": (1, "2026-03-02T06:00:00Z"),
        "C-silent": (1, "2026-03-02T06:00:00Z"),
    }
    cases = {}
    for behaviour in expected:
        await promise(crisis, "standard", TEN_HOURS, **({} if behaviour[0] == "C" else {"on_tier_change": behaviour}))
        cases[behaviour] = await a_case(crisis, customer=behaviour)

    await regraded(crisis, "key", *expected)

    told = {event["customer_id"]: event for event in await crisis.events("clock.retargeted")}
    assert told.keys() == expected.keys() - {"keep"}
    for behaviour, (cycle, due) in expected.items():
        clock = (await crisis.clocks(cases[behaviour]))["resolution"]
        assert (behaviour, clock["cycle"], clock["due_at"]) == (behaviour, cycle, due)
        assert clock["policy"] == ("standard" if behaviour == "keep" else "key")
    for behaviour, event in told.items():
        said = (event["behaviour"], event["cause"], event["cycle"], event["due_at"])
        assert said == ("tighten_only" if behaviour[0] == "C" else behaviour, "tier_raised", *expected[behaviour])
        assert (event["previous_policy"], event["policy"]) == ("standard", "key")
        assert event["previous_due_at"] == "2026-03-02T12:00:00Z"


async def test_a_worse_tier_loosens_only_where_a_policy_follows_the_tier_and_says_so(crisis):
    await promise(crisis, "standard", TEN_HOURS)
    expected = {
        "tighten_only": "2026-03-02T06:00:00Z",
        "keep": "2026-03-02T06:00:00Z",
        "retarget_from_start": "2026-03-02T12:00:00Z",
        "prorate": "2026-03-02T09:00:00Z",
    }
    cases = {}
    for behaviour in expected:
        await promise(crisis, "key", FOUR_HOURS, on_tier_change=behaviour, tier_basis="current")
        cases[behaviour] = await a_case(crisis, "key", behaviour)

    await regraded(crisis, "standard", *expected)

    assert {b: (await crisis.clocks(case))["resolution"]["due_at"] for b, case in cases.items()} == expected
    assert {(await crisis.case_of(b))["service_class"] for b in expected} == {"standard"}


async def test_clocks_begun_anew_end_their_cycle_before_the_next_begins(crisis):
    await promise(crisis, "standard", TEN_HOURS, on_tier_change="restart_now")
    await promise(crisis, "key", FOUR_HOURS)
    await a_case(crisis)

    await regraded(crisis, "key", version=2)

    told = await crisis.events("clock.started", "clock.cancelled", "clock.retargeted")
    assert [(e["event"], e["cycle"], e.get("reason")) for e in told] == [
        ("clock.started", 1, None),
        ("clock.cancelled", 1, "restarted"),
        ("clock.started", 2, None),
        ("clock.retargeted", 2, None),
    ]


async def test_a_case_that_a_drop_opened_is_served_at_the_tier_that_the_basis_names(crisis):
    expected = {
        "best_since_open": ["strategic", "strategic", "strategic"],
        "tier_before_triggering_drop": ["strategic", "strategic", "strategic"],
        "tier_at_open": ["key", "key", "key"],
        "current": ["key", "standard", "strategic"],
    }
    served = {}
    for basis in expected:
        for service_class in ("strategic", "key", "standard"):
            await promise(crisis, service_class, TEN_HOURS, tier_basis=basis)
        long_ago = MONDAY - timedelta(days=9)
        await crisis.deliver(a_snapshot(basis, "strategic", version=1, at=long_ago))
        await crisis.deliver(a_tier_change(basis, "strategic", "key", version=2))
        served[basis] = [(await crisis.case_of(basis))["service_class"]]

    for version, service_class in ((3, "standard"), (4, "strategic")):
        await regraded(crisis, service_class, *expected, version=version)
        for basis in expected:
            served[basis].append((await crisis.case_of(basis))["service_class"])

    assert served == expected


async def test_the_default_never_loosens_a_promise_however_often_the_tier_falls(crisis):
    for service_class, hours in (("strategic", 4), ("key", 6), ("standard", 8), ("basic", 10)):
        await promise(crisis, service_class, {"elapsed": f"PT{hours}H"})
    case = await a_case(crisis, "key")

    for version, service_class in enumerate(("basic", "standard", "basic"), start=2):
        await regraded(crisis, service_class, version=version, hours=1)

    assert (await crisis.clocks(case))["resolution"]["due_at"] == "2026-03-02T08:00:00Z"
    assert await crisis.events("clock.retargeted") == []


async def test_a_severity_that_a_person_sets_picks_the_policy_again(crisis):
    expected = {
        "tighten_only": ("2026-03-02T04:30:00Z", "2026-03-02T04:30:00Z"),
        "retarget_from_start": ("2026-03-02T04:30:00Z", "2026-03-02T06:00:00Z"),
        "keep": ("2026-03-02T06:00:00Z", "2026-03-02T06:00:00Z"),
    }
    for behaviour, due in expected.items():
        await promise(crisis, "key", FOUR_HOURS, on_severity_change=behaviour)
        await promise_grave(crisis, "PT2H30M", on_severity_change=behaviour)
        case = await a_case(crisis, "key", behaviour)
        await crisis.act(case, "change-severity", severity="S1")
        raised = (await crisis.clocks(case))["resolution"]["due_at"]
        await crisis.act(case, "change-severity", severity="S3", reason="one pallet")
        assert (raised, (await crisis.clocks(case))["resolution"]["due_at"]) == due

    events = await crisis.events("clock.retargeted")
    both = [("severity_raised", "key", "grave"), ("severity_lowered", "grave", "key")]
    assert [(e["cause"], e["previous_policy"], e["policy"]) for e in events] == 2 * both


async def test_a_complaint_that_makes_the_case_graver_tightens_what_runs_already(crisis):
    await promise(crisis, "key", FOUR_HOURS)
    await promise_grave(crisis, "PT2H")
    case = await a_case(crisis, "key")

    await crisis.deliver(a_complaint("C-1", impact="critical", public=True))

    due = await crisis.rows("select due_at, policy from clock where case_id = $1 order by id", case)
    assert [(row["due_at"], row["policy"]) for row in due] == 2 * [(MONDAY + timedelta(hours=2), "grave@1")]
    assert (await crisis.case_of("C-1"))["policy"] == "grave@1"


async def test_a_newer_version_of_the_same_policy_is_no_reason_to_change_what_runs(crisis):
    await promise(crisis, "key", FOUR_HOURS)
    case = await a_case(crisis, "key")
    await promise(crisis, "key", {"elapsed": "PT1H"})

    await crisis.act(case, "change-severity", severity="S1")

    assert (await crisis.clocks(case))["resolution"]["due_at"] == "2026-03-02T06:00:00Z"


async def test_what_the_law_owes_is_never_put_under_a_contract_that_promises_something_of_that_name(crisis):
    both = {"resolution": FOUR_HOURS, "final_answer": {"elapsed": "PT1H"}}
    body = {"key": "key", "order": 1, "applies": {"service_class": "key"}, "targets": both}
    await activate(crisis, "sla-policies", "key", body)
    await crisis.deliver(a_snapshot("C-1", "standard"), a_complaint("C-1", regulated="uk-fca-disp"))
    case = (await crisis.case_of("C-1"))["id"]
    before = (await crisis.clocks(case))["final_answer"]

    await regraded(crisis, "key", version=2)

    clocks = await crisis.clocks(case)
    assert clocks["resolution"]["policy"] == "key"
    assert {name: clocks["final_answer"][name] for name in ("policy", "due_at", "statutory")} == {
        name: before[name] for name in ("policy", "due_at", "statutory")
    }
    recorded = await crisis.rows("select type from clock_event where clock_id = $1", before["id"])
    assert [row["type"] for row in recorded] == ["start"]
