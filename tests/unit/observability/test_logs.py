"""Logs without personal data."""

import asyncio
import contextvars
import gc
import json
import logging

import asyncpg
import pytest
import structlog
from aiokafka.errors import NotCoordinatorForGroupError
from hypothesis import given
from hypothesis import strategies as st

from shared.observability import logs, tracing


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("call 13812345678 now", "call 138****5678 now"),
        ("+86 138-1234-5678", "138****5678"),
        ("联系电话13812345678。", "联系电话138****5678。"),
        ("zhang.san@example.com.cn", "z***@example.com.cn"),
        ("id 11010519491231002X", "id 110***********002X"),
        ("postgresql://moat:hunter2@db:5432/x", "postgresql://moat:***@db:5432/x"),
        ("/v1/acks/AZXzoHwAcACAAAAAAAAAov", "/v1/acks/***"),
        ("case 0199a1b2-7c3d-7e4f-8a5b-6c7d8e9f0a1b", "case 0199a1b2-7c3d-7e4f-8a5b-6c7d8e9f0a1b"),
        ("2026-03-01T08:00:00.123456Z took 1500 ms", "2026-03-01T08:00:00.123456Z took 1500 ms"),
    ],
)
def test_numbers_and_addresses_of_people_are_masked_and_ids_are_not(text, masked):
    assert logs.mask_text(text) == masked


@given(st.from_regex(r"1[3-9][0-9]{9}", fullmatch=True), st.sampled_from(["", " ", "tel:", "(", "，"]))
def test_no_mobile_number_survives(number, before):
    assert number not in logs.mask_text(f"{before}{number} x")


@pytest.mark.parametrize(
    ("name", "value", "masked"),
    [
        ("name", "张三丰", "张**"),
        ("contact", {"phone": "13812345678", "vip": True}, {"phone": "138****5678", "vip": True}),
        ("password", "hunter2", "***"),
        ("Authorization", "Bearer moat_x", "***"),
        ("to", ["ana@x.io", "bo@y.io"], ["a***@x.io", "b***@y.io"]),
        ("customer", "C-17", "C-17"),
        ("count", 13812345678, 13812345678),
    ],
)
def test_fields_known_to_be_personal_are_masked(name, value, masked):
    assert logs.mask_field(name, value) == masked


@pytest.fixture
def output(capsys):
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield lambda: capsys.readouterr().out
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()
    logs._Lines.direct, logs._Lines.wanted = False, True


def lines(output):
    return [json.loads(line) for line in output().splitlines()]


def test_a_line_is_one_json_object_with_trace_request_and_masked_fields(output):
    logs.configure(format="json", level="INFO", service="crisis")

    def work():
        tracing.begin("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
        structlog.get_logger("x").info("case.opened", case="K-1", contact="13812345678")

    contextvars.copy_context().run(work)  # a trace left behind would be that of every test after this one

    (line,) = lines(output)
    assert line["event"] == "case.opened"
    assert line["contact"] == "138****5678"
    assert line["trace_id"] == "0af7651916cd43dd8448eb211c80319c"
    assert line["service"] == "crisis"
    assert line["timestamp"].endswith("Z")


def test_other_libraries_take_the_same_road_and_tracebacks_are_masked(output):
    logs.configure(format="json", level="INFO", service="crisis")
    try:
        raise ValueError("no such number 13812345678")
    except ValueError:
        logging.getLogger("somebody").exception("failed for %s", "ana@x.io")

    (line,) = lines(output)
    assert line["event"] == "failed for a***@x.io"
    assert "138****5678" in line["exception"]
    assert "13812345678" not in str(line)


def test_frequent_lines_have_the_same_shape_and_obey_the_level(output):
    logs.configure(format="json", level="INFO", service="crisis")
    logs.write_line("http.request", {"route": "/v1/cases", "status": 200})
    logs.configure(format="json", level="WARNING", service="crisis")
    logs.write_line("http.request", {"route": "/v1/cases", "status": 200})

    (line,) = lines(output)
    assert {"event", "level", "timestamp", "service", "route", "status"} <= line.keys()


@pytest.mark.parametrize(
    ("error", "level"),
    [
        (NotCoordinatorForGroupError(), "warning"),
        (asyncpg.ConnectionDoesNotExistError("connection was closed in the middle of operation"), "warning"),
        (ConnectionError("unexpected connection_lost() call"), "warning"),
        (ConnectionError("another"), "error"),
        (asyncpg.UniqueViolationError("twice"), "error"),
        (ConnectionResetError("somebody else's"), "error"),
        (ValueError("ours"), "error"),
    ],
)
def test_what_a_client_left_behind_when_its_server_went_away_is_a_warning_and_what_we_forgot_is_an_error(
    output, error, level
):
    logs.configure(format="json", level="INFO", service="test")

    async def begin_and_forget():
        async def fail():
            raise error

        forgotten = asyncio.create_task(fail())
        await asyncio.sleep(0)
        del forgotten
        gc.collect()

    asyncio.run(begin_and_forget())

    (line,) = lines(output)
    assert (line["level"], line["logger"]) == (level, "asyncio")
    assert type(error).__name__ in line["exception"]
