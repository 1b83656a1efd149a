"""`moat sla`: a dry run, what it found and its approval, from a shell and over HTTP."""

import asyncio
import contextlib
import re

import pytest
import uvicorn
from structlog.testing import capture_logs
from typer.testing import CliRunner

from services.cli import app
from tests.integration.crisis.test_recalculate import a_case, another_version
from tests.support.postgres import free_port


def key_in(headers):
    return headers["Authorization"].removeprefix("Bearer ")


@pytest.fixture
async def moat(crisis, monkeypatch):
    """Runs a command against the service on a loopback port, whose jobs run by themselves."""
    config = uvicorn.Config(crisis.service.app, port=free_port(), lifespan="off", log_config=None)
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve())
    working = asyncio.create_task(_work(crisis))
    while not server.started:
        await asyncio.sleep(0.01)
    monkeypatch.setenv("MOAT_CRISIS_URL", f"http://127.0.0.1:{config.port}")
    monkeypatch.setenv("MOAT_API_KEY", key_in(crisis.client.headers))
    monkeypatch.setenv("COLUMNS", "200")

    async def run(*words, **env):
        done = await asyncio.to_thread(CliRunner().invoke, app, ["sla", *words], env=env)
        return done.exit_code, done.stdout, done.stderr

    with capture_logs():  # else they stand between what the command says
        yield run
    server.should_exit = True
    await serving
    working.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await working


async def _work(crisis):
    while True:
        if not await crisis.service.jobs.turn():
            await asyncio.sleep(0.05)


async def test_a_recalculation_is_looked_at_by_one_and_approved_by_another(crisis, moat):
    case = await a_case(crisis)
    await crisis.after(minutes=90)
    await another_version(crisis, first_response={"elapsed": "PT2H"})

    code, said, _ = await moat(
        "recalculate", "--policy", "key", "--select", "service_class=key", "--reason", "a mistake"
    )
    job = re.match(r"job (\S+)", said)[1]
    own = await moat("approve", job)
    other = await moat("approve", job, MOAT_API_KEY=key_in(crisis.colleague))
    listed = await moat("changes", job, "--case", case)

    assert code == 0, said
    assert "cases 1  clocks 5  changed_cases 1  changed_clocks 1  would_go_over 4  due_later 1" in said
    assert "v1 due 2026-03-02T03:00:00Z open, broken 2026-03-02T03:00:00Z  v2 due 2026-03-02T04:00:00Z open" in said
    assert f"moat sla approve {job}" in said
    assert own[0] == 2 and "let somebody else approve it" in own[2]
    assert other[0] == 0, other[2]
    assert "applied 1" in other[1] and "first_response" in other[1]
    assert listed[1].splitlines()[0].split() == ["CASE", "TARGET", "CYCLE", "OUTCOME", "BEFORE", "AFTER"]
    assert len(listed[1].splitlines()) == 2
    assert (await crisis.clocks(case))["first_response"]["due_at"] == "2026-03-02T04:00:00Z"


async def test_a_policy_is_applied_to_what_runs(crisis, moat, tmp_path):
    case = await a_case(crisis)
    await another_version(crisis, first_response={"elapsed": "PT30M"})
    path = tmp_path / "key"
    path.write_text(key_in(crisis.colleague) + "\n")

    _, said, _ = await moat("apply", "key=2", "--behaviour", "tighten_only", "--reason", "shorter")
    job = re.match(r"job (\S+)", said)[1]
    code, done, _ = await moat("--key-file", str(path), "approve", job, MOAT_API_KEY="")

    assert code == 0 and "applied 1" in done
    assert (await crisis.clocks(case))["first_response"]["due_at"] == "2026-03-02T02:30:00Z"


async def test_what_is_wrong_is_one_sentence_that_says_what_to_do(crisis, moat, tmp_path):
    nobody = await moat("watch", "1", MOAT_API_KEY="")
    lost = await moat("--key-file", str(tmp_path / "no"), "watch", "1", MOAT_API_KEY="")
    away = await moat("--url", "http://127.0.0.1:9", "watch", "1")
    unknown = await moat("watch", "1")
    field = await moat("recalculate", "--policy", "key=9", "--reason", "r")
    version = await moat("apply", "key", "--reason", "r")
    select = await moat("recalculate", "--select", "colour=red", "--reason", "r")

    for answer, words in (
        (nobody, "put an API key into MOAT_API_KEY"),
        (lost, "the key cannot be read from"),
        (away, "crisis does not answer at http://127.0.0.1:9"),
        (unknown, "there is no job '1'"),
        (field, "/to/policies/key: of 'key' version 9 was never active"),
        (version, "say which version of key"),
        (select, "'colour=red' selects nothing: names are case_ids, service_class"),
    ):
        assert (answer[0], answer[1]) == (2, "")
        assert words in answer[2]
        assert len(answer[2].splitlines()) == 1
