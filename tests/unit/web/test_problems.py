"""The one table from facts to HTTP."""

import json

import asyncpg
import pytest
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from shared import errors
from shared.bus.port import BusUnavailable
from shared.contracts import ContractError, FieldError, UnknownType
from shared.documents import InvalidDocument
from shared.web.problem_pages import catalogue
from shared.web.problems import answer, problem, refusal_of, status_of

SCOPE = {"type": "http", "path": "/v1/cases/7", "method": "POST", "headers": []}


class CaseClosed(errors.Conflict):
    """The case was closed and cannot change.

    Reopen it first.
    """

    slug = "case-closed-for-test"
    zh = "个案已关闭。"


@pytest.mark.parametrize(
    ("error", "status", "slug"),
    [
        (errors.NotFound(), 404, "not-found"),
        (ClientDisconnect(), 400, "malformed"),
        (errors.Gone(), 410, "gone"),
        (CaseClosed(), 409, "case-closed-for-test"),
        (errors.IdempotencyKeyReused(), 422, "idempotency-key-reused"),
        (errors.StillRunning(), 409, "idempotency-in-progress"),
        (errors.NotSupported(), 501, "not-supported"),
        (ContractError.at("/data", "type", "an object"), 422, "invalid"),
        (UnknownType("x.y.v1"), 422, "invalid"),
        (InvalidDocument.at("/a", "range", "more"), 422, "invalid"),
        (HTTPException(404), 404, "not-found"),
        (HTTPException(418), 500, "internal"),
        (BusUnavailable("kafka://secret"), 503, "unavailable"),
        (ConnectionResetError(), 503, "unavailable"),
        (asyncpg.DeadlockDetectedError("x"), 503, "unavailable"),
        (asyncpg.UniqueViolationError("x"), 500, "internal"),
        (KeyError("password"), 500, "internal"),
    ],
)
def test_every_error_has_its_status_and_kind(error, status, slug):
    response = answer(SCOPE, error)
    body = json.loads(response.body)

    assert (response.status_code, body["status"], body["type"]) == (status, status, f"/problems/{slug}")
    assert response.headers["content-type"] == "application/problem+json"
    assert b"secret" not in response.body
    assert b"password" not in response.body


def test_a_conflict_tells_the_present_state_and_version_and_whatever_else_helps():
    body = problem(CaseClosed("it was closed in March", state="closed", version=9, case="K-1"))

    assert body["title"] == "The case was closed and cannot change."
    assert body["detail"] == "it was closed in March"
    assert body["current"] == {"state": "closed", "version": 9}
    assert body["case"] == "K-1"
    assert "instance" not in body


def test_errors_are_bounded_and_their_first_are_the_detail():
    many = errors.Unprocessable(errors=[FieldError(f"/{n}", "rule", "wrong") for n in range(500)])

    body = problem(many)

    assert len(body["errors"]) == 50
    assert body["detail"] == "/0: wrong; /1: wrong; /2: wrong"


def test_every_fact_of_the_kernel_has_a_status_a_sentence_and_its_chinese():
    for slug, fact in catalogue().items():
        assert 400 <= status_of(fact) <= 599, slug
        assert fact.title().endswith("."), slug
        assert fact.zh.endswith("。"), slug


def test_a_scope_that_is_missing_is_named_in_the_challenge():
    response = answer(SCOPE, errors.Forbidden(missing_scopes=["crisis:write"]))

    assert 'error="insufficient_scope", scope="crisis:write"' in response.headers["www-authenticate"]


def test_what_fastapi_wraps_while_reading_a_body_is_found_again():
    wrapped = HTTPException(400)
    wrapped.__cause__ = errors.TooLarge("at most 10 bytes")

    assert refusal_of(wrapped) is wrapped.__cause__
