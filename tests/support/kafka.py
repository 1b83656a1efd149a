"""The Apache Kafka of the test run: one broker for all tests, or the one that MOAT_TEST_KAFKA names.

Where none can be had, the tests that need one do not run, and the last line of the run says so; with CI=true the run
has failed then.
"""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.kafka.broker import LocalKafka, answers
from deploy.kafka.fetch import KafkaNotAvailable
from tests.support.postgres import server_directory

_MARK = "NOT RUN: "
_reason = pytest.StashKey[str]()


@pytest.fixture(scope="session")
def kafka(request: pytest.FixtureRequest) -> Iterator[str]:
    """host:port of a broker that all tests share: name topics and groups so that no other test has them."""
    named = os.environ.get("MOAT_TEST_KAFKA")
    if named:
        if not answers(named):
            _cannot(request.config, f"MOAT_TEST_KAFKA={named} does not answer")
        yield named
        return
    with server_directory() as directory:
        broker = started(request.config, directory)
        yield broker.bootstrap
        broker.stop()


@pytest.fixture
def own_kafka(request: pytest.FixtureRequest) -> Iterator[LocalKafka]:
    """A broker for one test, to be killed."""
    with server_directory() as directory:
        broker = started(request.config, directory)
        yield broker
        broker.kill()


def started(
    config: pytest.Config, directory: Path, *, port: int | None = None, properties: dict[str, str] | None = None
) -> LocalKafka:
    """A broker that runs in `directory`; skips the test where none can be had."""
    if _reason in config.stash:
        _cannot(config, config.stash[_reason])
    broker = LocalKafka(directory, port, properties=properties)
    try:
        broker.start()
    except KafkaNotAvailable as missing:
        _cannot(config, str(missing))
    return broker


def _cannot(config: pytest.Config, reason: str) -> None:
    config.stash[_reason] = reason
    pytest.skip(_MARK + reason)


def pytest_sessionfinish(session: pytest.Session) -> None:
    """In CI it is a failure that tests did not run."""
    if _not_run(session.config) and os.environ.get("CI") == "true" and session.exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


@pytest.hookimpl(trylast=True)
def pytest_unconfigure(config: pytest.Config) -> None:
    """The last line of the run."""
    reasons = _not_run(config)
    if reasons:
        failed = ", which in CI is a failure" if os.environ.get("CI") == "true" else ""
        line = f"KAFKA TESTS NOT RUN ({len(reasons)}){failed}: {reasons[0]}"
        config.pluginmanager.get_plugin("terminalreporter").write_line(line, red=True, bold=True)  # type: ignore[union-attr]


def _not_run(config: pytest.Config) -> list[str]:
    """Why tests did not run, one reason each: from the reports, which come together where several processes test."""
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    skipped = [] if reporter is None else reporter.stats.get("skipped", [])
    return [str(report.longrepr[2]).partition(_MARK)[2] for report in skipped if _MARK in str(report.longrepr)]
