"""Edits name the version they were made on; lists go page by page without losing or repeating a row."""

import pytest

from tests.support.web import keyed


@pytest.fixture
async def lamp(things):
    return (await things.client.post("/v1/things", json={"name": "lamp"}, headers=keyed())).json()


async def test_an_edit_without_if_match_is_428(things, lamp):
    answer = await things.client.put(f"/v1/things/{lamp['id']}", json={"name": "desk"})

    assert (answer.status_code, answer.json()["type"]) == (428, "/problems/precondition-required")


async def test_an_edit_on_a_stale_version_is_412_and_names_the_present_one(things, lamp):
    first = await things.client.put(f"/v1/things/{lamp['id']}", json={"name": "desk"}, headers={"If-Match": '"1"'})
    second = await things.client.put(f"/v1/things/{lamp['id']}", json={"name": "sofa"}, headers={"If-Match": '"1"'})

    assert (first.status_code, first.headers["etag"]) == (200, '"2"')
    assert (second.status_code, second.json()["current"]) == (412, {"version": 2})
    assert [row.name for row in await things.rows("select name from thing")] == ["desk"]


@pytest.mark.parametrize(("tag", "status"), [("*", 200), ('"9", "1"', 200), ('W/"1"', 412), ("1", 400), ('"1', 400)])
async def test_if_match_is_read_as_the_standard_says(things, lamp, tag, status):
    answer = await things.client.put(f"/v1/things/{lamp['id']}", json={"name": "desk"}, headers={"If-Match": tag})

    assert answer.status_code == status


async def test_pages_show_every_row_once_even_when_rows_are_added_meanwhile(things):
    async with things.service.base.database.begin() as connection:
        await connection.exec_driver_sql("insert into thing (name) select 'n' || g from generate_series(1, 25) g")
    seen, token, sizes = [], None, []
    while True:
        query = {"page_size": 10, **({"page_token": token} if token else {})}
        page = (await things.client.get("/v1/things", params=query)).json()
        seen += [item["id"] for item in page["items"]]
        sizes.append(len(page["items"]))
        token = page["next_page_token"]
        if token is None:
            break
        if len(sizes) == 1:
            await things.client.post("/v1/things", json={"name": "late"}, headers=keyed())

    assert seen == sorted(set(seen))
    assert sizes == [10, 10, 6]


async def test_a_page_size_over_the_maximum_is_taken_as_the_maximum(things):
    async with things.service.base.database.begin() as connection:
        await connection.exec_driver_sql("insert into thing (name) select 'n' from generate_series(1, 1001)")

    page = (await things.client.get("/v1/things", params={"page_size": 5000})).json()

    assert len(page["items"]) == 1000
    assert page["next_page_token"] is not None


@pytest.mark.parametrize("change", ["filter", "forged", "another list"])
async def test_a_token_of_another_query_or_of_nobody_is_400(things, change):
    async with things.service.base.database.begin() as connection:
        await connection.exec_driver_sql("insert into thing (name) select 'n' from generate_series(1, 3)")
    token = (await things.client.get("/v1/things", params={"page_size": 1})).json()["next_page_token"]
    path, query = "/v1/things", {"page_token": token}
    if change == "filter":
        query["starts"] = "n"
    elif change == "forged":
        query["page_token"] = token[:-2] + ("AA" if token[-2:] != "AA" else "BB")
    else:
        path = "/v1/jobs"

    answer = await things.client.get(path, params=query)

    assert (answer.status_code, answer.json()["type"]) == (400, "/problems/page-token-invalid")
