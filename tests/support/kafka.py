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

_reason = pytest.StashKey[str]()
_not_run = pytest.StashKey[int]()


@pytest.fixture(scope="session")
def kafka(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """host:port of a broker that all tests share: name topics and groups so that no other test has them."""
    named = os.environ.get("MOAT_TEST_KAFKA")
    if named:
        if not answers(named):
            _cannot(request.config, f"MOAT_TEST_KAFKA={named} does not answer")
        yield named
        return
    broker = started(request.config, tmp_path_factory.mktemp("kafka"))
    yield broker.bootstrap
    broker.stop()


@pytest.fixture
def own_kafka(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[LocalKafka]:
    """A broker for one test, to be killed."""
    broker = started(request.config, tmp_path / "kafka")
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
    pytest.skip(f"NOT RUN: {reason}")


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Count what did not run; in CI that is a failure."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if _reason not in session.config.stash or reporter is None:
        return
    skipped = [report for report in reporter.stats.get("skipped", []) if "NOT RUN: " in str(report.longrepr)]
    session.config.stash[_not_run] = len(skipped)
    if os.environ.get("CI") == "true" and session.exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


@pytest.hookimpl(trylast=True)
def pytest_unconfigure(config: pytest.Config) -> None:
    """The last line of the run."""
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    if reporter is not None and config.stash.get(_not_run, 0):
        failed = ", which in CI is a failure" if os.environ.get("CI") == "true" else ""
        reporter.write_line(
            f"KAFKA TESTS NOT RUN ({config.stash[_not_run]}){failed}: {config.stash[_reason]}", red=True, bold=True
        )
