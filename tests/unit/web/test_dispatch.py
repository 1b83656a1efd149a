"""The table of routes finds what trying every pattern would find."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.routing import Match

from shared.auth.guard import open_to_all
from shared.web.dispatch import RouteTable
from shared.web.routing import Router


def routes(*patterns):
    router = Router(dependencies=[open_to_all()])
    for method, pattern in patterns:
        router.add_api_route(pattern, _nothing, methods=[method])
    return router.routes


async def _nothing() -> None: ...


PATTERNS = [
    ("GET", "/v1/cases"),
    ("POST", "/v1/cases"),
    ("GET", "/v1/cases/search"),
    ("GET", "/v1/cases/{case_id}"),
    ("PUT", "/v1/cases/{id}"),
    ("POST", "/v1/cases/{case_id}/resolve"),
    ("GET", "/v1/cases/{case_id}/notes/{note_id}"),
    ("GET", "/v1/{kind}/report"),
    ("GET", "/"),
]
ROUTES = routes(*PATTERNS)
TABLE = RouteTable(ROUTES)
segment = st.sampled_from(["v1", "cases", "search", "resolve", "notes", "report", "17", "{}", "é", "", "a b"])


def by_trying(path, method):
    for route in ROUTES:
        match, child = route.matches({"type": "http", "path": path, "method": method})
        if match is Match.FULL:
            return route, child["path_params"]
    return None


@given(st.lists(segment, max_size=6), st.sampled_from(["GET", "POST", "PUT", "DELETE"]))
def test_it_finds_the_route_and_its_parameters(segments, method):
    path = "/" + "/".join(segments)

    assert TABLE.find(path, method) == by_trying(path, method)


def test_a_literal_is_preferred_to_a_parameter_whatever_was_declared_first():
    table = RouteTable(routes(("GET", "/cases/{id}"), ("GET", "/cases/open")))

    found = table.find("/cases/open", "GET")

    assert found is not None
    assert (found[0].path, found[1]) == ("/cases/open", {})


@pytest.mark.parametrize("pattern", ["/files/{path:path}", "/n/{n:int}", "/v{n}/x"])
def test_other_kinds_of_parameters_go_the_usual_way(pattern):
    table = RouteTable(routes(("GET", pattern)))

    assert table.find(pattern.replace("{path:path}", "a/b").replace("{n:int}", "1").replace("{n}", "1"), "GET") is None
