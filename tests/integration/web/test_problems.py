"""Every refusal is a problem that names field and rule, changes nothing, and tells nothing of our insides."""

from tests.support.web import keyed


async def test_a_body_with_a_wrong_field_names_pointer_rule_and_what_would_be_right(things):
    answer = await things.client.post("/v1/things", json={"name": "", "wheels": 4}, headers=keyed())

    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert problem["type"] == "/problems/invalid"
    assert {(e["pointer"], e["rule"]) for e in problem["errors"]} == {("/name", "length"), ("/wheels", "unknown-field")}
    assert await things.rows("select * from thing") == []
