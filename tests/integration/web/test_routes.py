"""Every route demands a scope, is documented, and its documentation needs no network."""

import re

import pytest

from shared.auth.guard import open_to_all, require
from shared.web.app import UnguardedRoute, create_app
from shared.web.routing import Router
from tests.support.routes import assert_documented, assert_every_route_demands_a_scope
from tests.support.web import a_service


@pytest.fixture
def service():
    return a_service("postgresql://moat@127.0.0.1:1/moat", "postgresql://moat@127.0.0.1:1/bus")


async def test_every_route_of_the_service_demands_a_scope(service):
    assert await assert_every_route_demands_a_scope(service.app) > 20


async def test_the_walk_notices_a_route_that_is_open(service):
    router = Router(prefix="/v1/leak", dependencies=[open_to_all()])
    router.add_api_route("", lambda: None, methods=["GET"])
    app = create_app(service.app.state.kernel, service.parts.about, [router])

    with pytest.raises(AssertionError, match="/v1/leak demands no scope"):
        await assert_every_route_demands_a_scope(app)
    assert await assert_every_route_demands_a_scope(app, open_paths=frozenset({"/v1/leak"})) == 0


def test_an_application_with_a_route_that_forgot_its_scope_is_refused(service):
    router = Router(prefix="/v1/leak")

    @router.get("")
    async def leak() -> None: ...

    with pytest.raises(UnguardedRoute, match="/v1/leak demands no scope"):
        create_app(service.app.state.kernel, service.parts.about, [router])


def test_an_application_refuses_routes_that_others_made(service):
    from fastapi import APIRouter

    router = APIRouter(prefix="/v1/plain", dependencies=[require("admin")])

    @router.get("")
    async def plain() -> None: ...

    with pytest.raises(UnguardedRoute, match="Router"):
        create_app(service.app.state.kernel, service.parts.about, [router])


def test_every_operation_is_documented_with_examples_and_its_problems(service):
    document = assert_documented(service.app)

    assert document["openapi"].startswith("3.1")
    assert document["components"]["securitySchemes"].keys() == {"bearer", "apiKey"}
    change = document["paths"]["/v1/things/{thing_id}"]["put"]
    assert change["x-required-scopes"] == ["crisis:read", "crisis:write"]
    assert {"409", "412", "422", "428"} <= change["responses"].keys()
    headers = {p["name"]: p["required"] for p in change["parameters"] if p["in"] == "header"}
    assert headers == {"if-match": True}
    make = document["paths"]["/v1/things"]["post"]["parameters"]
    assert [(p["name"], p["required"], p["schema"]["type"]) for p in make] == [("Idempotency-Key", True, "string")]
    assert "HTTPValidationError" not in document["components"]["schemas"]


@pytest.mark.parametrize("page", ["/docs", "/redoc", "/problems", "/problems/conflict"])
async def test_the_pages_name_no_other_host_and_forbid_the_browser_to_ask_one(things, page):
    answer = await things.client.get(page)

    assert answer.status_code == 200
    assert not re.findall(r"(?:https?:)?//[a-z0-9]", answer.text)
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "script-src 'self';" in policy
    for source in re.findall(r'(?:src|href)="([^"#]+)"', answer.text):
        reached = await things.client.get(str(answer.url.join(source)))
        assert reached.status_code == 200, source


async def test_assets_are_sent_compressed_to_those_who_can_read_it(things):
    packed = await things.client.get("/docs/assets/swagger-ui-bundle.js")
    plain = await things.client.get("/docs/assets/swagger-ui-bundle.js", headers={"Accept-Encoding": "identity"})

    assert packed.headers["content-encoding"] == "gzip"
    assert "content-encoding" not in plain.headers
    assert packed.content == plain.content
    assert b"SwaggerUIBundle" in plain.content
    assert (await things.client.get("/docs/assets/..%2Fdocs.py")).status_code == 404


async def test_the_openapi_document_is_served_without_a_credential(things):
    things.client.headers.pop("authorization")

    document = (await things.client.get("/openapi.json")).json()

    assert document["info"]["title"] == "Things"
    assert "/v1/recipes/{key}/versions" in document["paths"]
    assert document["paths"]["/v1/recipes/{key}"]["get"]["parameters"][0]["example"] == "soup"
