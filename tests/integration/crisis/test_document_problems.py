"""Documents that cannot work: each reason has a place and a rule, before and at the activation."""

import pytest

from tests.integration.crisis.test_documents import body_of

OPEN = {"mon": ["09:00-17:00"]}


async def problems(crisis, path, key, body):
    answer = await crisis.client.post(f"/v1/{path}/{key}/validate", json=body)
    return [(error["pointer"], error["rule"]) for error in answer.raise_for_status().json()["errors"]]


@pytest.mark.parametrize(
    ("path", "body", "expected"),
    [
        ("calendars", {"zone": "Mars/Olympus", "weekly": OPEN}, ("/zone", "unknown-zone")),
        ("calendars", {"zone": "UTC", "weekly": {"mon": ["9-17"]}}, ("/weekly/mon/0", "window-format")),
        ("calendars", {"zone": "UTC", "weekly": {}}, ("", "no-open-time")),
        (
            "calendars",
            {"zone": "UTC", "weekly": OPEN, "exceptions": [{"from": "2026-01-01", "to": "2027-12-31", "windows": []}]},
            ("", "no-open-time"),
        ),
        (
            "calendars",
            {"zone": "UTC", "weekly": OPEN, "exceptions": [{"from": "2026-02-02", "to": "2026-02-01", "windows": []}]},
            ("/exceptions/0", "exception-dates"),
        ),
        (
            "calendars",
            {
                "zone": "UTC",
                "weekly": OPEN,
                "exceptions": [
                    {"from": "2026-02-01", "to": "2026-02-09", "windows": []},
                    {"date": "2026-02-03", "windows": []},
                ],
            },
            ("/exceptions/1", "overlapping-exceptions"),
        ),
        (
            "sla-policies",
            {"targets": {"r": {"elapsed": "PT1H", "business": "PT1H", "calendar": "cn-office"}}},
            ("/targets/r", "one-duration-kind"),
        ),
        ("sla-policies", {"targets": {"r": {"elapsed": "P1D"}}}, ("/targets/r/elapsed", "time-units")),
        (
            "sla-policies",
            {"targets": {"ok": {"elapsed": "PT1H"}, "r": {"business": "PT1H", "calendar": "nowhere"}}},
            ("/targets/r/calendar", "unknown-calendar"),
        ),
    ],
)
async def test_a_document_that_cannot_work_is_told_with_place_and_rule(crisis, path, body, expected):
    assert await problems(crisis, path, "x", {"key": "x", **body}) == [expected]


async def test_every_unknown_calendar_of_a_pack_has_its_place(crisis):
    pack = await body_of(crisis, "statutory-packs", "cn-bank-insurance")
    pack["steps"][0]["promise"]["calendar"] = "nowhere"
    pack["extensions"][1]["promise"]["calendar"] = "lost"

    assert await problems(crisis, "statutory-packs", "cn-bank-insurance", pack) == [
        ("/steps/0/promise/calendar", "unknown-calendar"),
        ("/extensions/1/promise/calendar", "unknown-calendar"),
    ]


async def test_a_retarget_to_an_unknown_policy_is_told_with_its_place(crisis):
    policy = {"key": "p", "targets": {"r": {"elapsed": "PT1H"}}}
    events = [
        {"at": "2026-03-02T02:00:00Z", "type": "start"},
        {"at": "2026-03-02T02:30:00Z", "type": "retarget", "policy": "nowhere", "behaviour": "keep"},
    ]
    body = {"policy": policy, "calendars": [], "events": events, "until": "2026-03-02T03:00:00Z"}
    answer = await crisis.client.post("/v1/sla/simulate", json=body)

    assert answer.status_code == 422
    assert [(e["pointer"], e["rule"]) for e in answer.json()["errors"]] == [("/events/1/policy", "unknown-policy")]
