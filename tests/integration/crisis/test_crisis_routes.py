"""What every route of crisis has: a scope, a summary, an example, and its problems."""

from tests.support.routes import assert_documented, assert_every_route_demands_a_scope


async def test_every_route_demands_a_scope(crisis):
    assert await assert_every_route_demands_a_scope(crisis.service.app) > 50


async def test_every_operation_is_documented_with_examples_and_problems(crisis):
    document = assert_documented(crisis.service.app)

    assert "/v1/calendars/{key}/preview" in document["paths"]
    assert "/v1/statutory-packs/{key}/versions/{version}/activate" in document["paths"]
    assert "/v1/cases/{case_id}/extend" in document["paths"]
