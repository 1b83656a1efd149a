"""What holds for every route of scoring."""

from tests.support.routes import assert_documented, assert_every_route_demands_a_scope


async def test_every_route_demands_a_scope_of_its_own(scoring):
    assert await assert_every_route_demands_a_scope(scoring.service.app) > 25


def test_every_operation_is_documented_with_examples_that_run(scoring):
    document = assert_documented(scoring.service.app)
    assert {"/v1/facts", "/v1/customers/{customer_id}/tier", "/v1/models/{key}/recompute"} <= document["paths"].keys()
