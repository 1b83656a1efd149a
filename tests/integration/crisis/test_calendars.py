"""Calendars over HTTP: a month to look at, iCalendar out and in, and refusals that say where."""

import pytest

from shared.ids import new_id
from shared.worktime.content_lines import read_lines
from tests.integration.crisis.test_documents import activate, body_of

UPLOAD = (
    "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//x//EN\r\n"
    "BEGIN:VEVENT\r\nUID:1@x\r\nDTSTAMP:20260101T000000Z\r\nDTSTART;VALUE=DATE:20260801\r\n"
    "DTEND;VALUE=DATE:20260804\r\nSUMMARY:Moving office\r\n{extra}END:VEVENT\r\nEND:VCALENDAR\r\n"
)


async def upload(crisis, key, text, *, media="text/calendar"):
    return await crisis.client.post(
        f"/v1/calendars/{key}/exceptions/import",
        content=text.encode(),
        headers={"Content-Type": media, "Idempotency-Key": new_id()},
    )


async def month_of(crisis, key, month, **params):
    answer = await crisis.client.get(f"/v1/calendars/{key}/preview", params={"month": month, **params})
    return answer.raise_for_status().json()


async def test_a_month_says_when_each_day_is_open_and_why_not(crisis):
    month = await month_of(crisis, "cn-office", "2026-10")
    days = {day["date"]: day for day in month["days"]}

    assert (days["2026-10-01"]["kind"], days["2026-10-01"]["reason"]) == ("holiday", "holiday: National Day")
    assert days["2026-10-10"]["kind"] == "make_up_workday"
    assert days["2026-10-10"]["windows"][0] == {
        "from": "2026-10-10T09:00:00+08:00",
        "to": "2026-10-10T12:00:00+08:00",
    }
    assert (days["2026-10-11"]["reason"], days["2026-10-11"]["is_open"]) == ("weekend", False)
    assert (month["open_days"], month["open_hours"]) == (18, 18 * 8)
    assert (month["version"], month["state"], month["provisional"]) == (1, "active", False)


async def test_a_month_beyond_what_is_published_is_marked_and_another_zone_shows_its_wall_times(crisis):
    month = await month_of(crisis, "cn-office", "2028-03", zone="Europe/London")

    assert month["provisional"] is True
    assert {day["known"] for day in month["days"]} == {False}
    assert month["days"][0]["windows"][0]["from"] == "2028-03-01T01:00:00+00:00"
    assert (month["zone"], month["shown_in"]) == ("Asia/Shanghai", "Europe/London")


async def test_the_financial_calendar_stays_closed_on_the_weekends_that_offices_work(crisis):
    finance = {day["date"]: day for day in (await month_of(crisis, "cn-finance", "2026-10"))["days"]}
    office = {day["date"]: day for day in (await month_of(crisis, "cn-office", "2026-10"))["days"]}

    assert (finance["2026-10-10"]["is_open"], office["2026-10-10"]["is_open"]) == (False, True)
    assert finance["2026-10-10"]["reason"] == "weekend"
    assert finance["2026-10-01"]["reason"] == office["2026-10-01"]["reason"]


async def test_the_built_in_calendar_has_months_too(crisis):
    assert (await month_of(crisis, "always", "2026-02"))["open_hours"] == 28 * 24


@pytest.mark.parametrize(
    ("params", "status", "pointer"),
    [
        ({"month": "2026-13"}, 422, "/query/month"),
        ({"month": "2026-10", "zone": "Mars/Olympus"}, 422, "/query/zone"),
        ({"month": "2026-10", "version": 9}, 404, None),
    ],
)
async def test_a_month_that_cannot_be_shown_is_a_problem(crisis, params, status, pointer):
    answer = await crisis.client.get("/v1/calendars/cn-office/preview", params=params)

    assert answer.status_code == status
    assert pointer is None or answer.json()["errors"][0]["pointer"] == pointer


async def test_exceptions_come_out_of_an_upload_into_a_draft_and_count_once_it_is_active(crisis):
    made = await upload(crisis, "cn-office", UPLOAD.format(extra=""))
    draft = made.json()["document"]
    preview = await month_of(crisis, "cn-office", "2026-08", version=draft["version"])
    before = await month_of(crisis, "cn-office", "2026-08")
    url = f"/v1/calendars/cn-office/versions/{draft['version']}/activate"
    (await crisis.client.post(url, headers={"If-Match": made.headers["ETag"]})).raise_for_status()
    after = await month_of(crisis, "cn-office", "2026-08")

    assert (made.status_code, made.json()["imported"], draft["state"], draft["version"]) == (201, 1, "draft", 2)
    assert preview["days"][2]["reason"] == "exception: Moving office"
    assert (before["days"][2]["is_open"], after["days"][2]["is_open"]) == (True, False)
    assert (await body_of(crisis, "calendars", "cn-office"))["exceptions"] == [
        {"from": "2026-08-01", "to": "2026-08-03", "windows": [], "note": "Moving office"}
    ]
    again = await upload(crisis, "cn-office", UPLOAD.format(extra=""))
    assert (again.json()["imported"], again.json()["unchanged"]) == (0, 1)


async def test_an_upload_that_cannot_be_taken_wholly_changes_nothing(crisis):
    repeating = await upload(crisis, "cn-office", UPLOAD.format(extra="RRULE:FREQ=YEARLY\r\n"))
    other = await upload(crisis, "cn-office", "{}", media="application/json")
    body = await body_of(crisis, "calendars", "cn-office")
    await activate(crisis, "calendars", "cn-office", {**body, "exceptions": [{"date": "2026-08-02", "windows": []}]})
    overlapping = await upload(crisis, "cn-office", UPLOAD.format(extra=""))

    assert (repeating.status_code, repeating.json()["errors"][0]["pointer"]) == (422, "/VEVENT/0/RRULE")
    assert other.status_code == 415
    assert (overlapping.status_code, overlapping.json()["errors"][0]["rule"]) == (422, "overlapping-exceptions")
    assert await crisis.value("select count(*) from document where key = 'cn-office'") == 2


async def test_special_days_are_exported_as_icalendar(crisis):
    answer = await crisis.client.get(
        "/v1/calendars/cn-office/calendar.ics", params={"from": "2026-10-01", "to": "2026-10-31"}
    )
    lines = list(read_lines(answer.text))

    assert answer.headers["content-type"] == "text/calendar; charset=utf-8"
    assert [line.value for line in lines if line.name == "CATEGORIES"] == ["HOLIDAY"] * 6 + ["MAKE-UP-WORKDAY"]
    assert len({line.value for line in lines if line.name == "UID"}) == 7


async def test_a_calendar_without_open_time_is_refused_with_the_reason(crisis):
    closed = [{"from": "2026-01-01", "to": "2027-12-31", "windows": [], "note": "closed for two years"}]
    body = {**(await body_of(crisis, "calendars", "cn-office")), "exceptions": closed}
    made = await crisis.client.post(
        "/v1/calendars/cn-office/versions", json=body, headers={"Idempotency-Key": new_id()}
    )
    url = f"/v1/calendars/cn-office/versions/{made.json()['version']}/activate"
    answer = await crisis.client.post(url, headers={"If-Match": made.headers["ETag"]})

    assert answer.status_code == 422
    assert answer.json()["errors"][0]["rule"] == "no-open-time"
    assert "no open second in the 400 days" in answer.json()["errors"][0]["detail"]
    assert (await month_of(crisis, "cn-office", "2026-10"))["version"] == 1
