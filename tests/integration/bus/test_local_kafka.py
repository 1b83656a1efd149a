"""The local broker keeps what it acknowledged and leaves nothing behind; where it cannot be had, that is said."""

import os
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest

from deploy.kafka.broker import LocalKafka, answers
from deploy.kafka.fetch import version
from shared.bus.open import open_bus
from shared.bus.port import Record, TopicSpec

REPOSITORY = Path(__file__).parents[3]
NOTHING = "/nonexistent"
START_AND_SLEEP = """
import sys, time
from pathlib import Path
from deploy.kafka.broker import LocalKafka
broker = LocalKafka(Path(sys.argv[1]))
broker.start()
print(broker.pid, broker.bootstrap, flush=True)
time.sleep(600)
"""


def is_running(pid: int) -> bool:
    try:
        return "Z" not in Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False


@pytest.mark.kafka
async def test_a_killed_broker_comes_back_on_its_port_with_its_records(own_kafka: LocalKafka):
    address = own_kafka.bootstrap
    bus = await open_bus(f"kafka://{address}", client_id="x")
    await bus.ensure_topics([TopicSpec("test.kept")])
    await bus.publish([Record("test.kept", b"k", b"v")])
    await bus.close()

    own_kafka.kill()
    assert not answers(address)
    own_kafka.start()

    assert own_kafka.bootstrap == address
    bus = await open_bus(f"kafka://{address}", client_id="x")
    assert [record.value for record in await bus.read("test.kept")] == [b"v"]
    await bus.close()


@pytest.mark.kafka
def test_a_broker_dies_with_the_process_that_started_it(kafka: str, tmp_path: Path):
    parent = subprocess.Popen(
        [sys.executable, "-c", START_AND_SLEEP, str(tmp_path / "kafka")],
        cwd=REPOSITORY,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert parent.stdout is not None
    pid, address = parent.stdout.readline().split()
    assert is_running(int(pid))

    parent.send_signal(signal.SIGKILL)
    parent.wait()
    parent.stdout.close()

    until = time.monotonic() + 60
    while is_running(int(pid)) or answers(address):
        assert time.monotonic() < until, "the broker outlived its parent"
        time.sleep(0.05)


@pytest.mark.kafka
def test_stopping_leaves_no_process(own_kafka: LocalKafka):
    pid, watchdog = own_kafka.pid, own_kafka._watchdog
    assert watchdog is not None

    own_kafka.stop()
    own_kafka.stop()

    assert not is_running(pid)
    assert not is_running(watchdog.pid)


def fetch(**environment: str) -> subprocess.CompletedProcess[str]:
    clean = {name: value for name, value in os.environ.items() if name not in {"JAVA_HOME", "CI"}}
    return subprocess.run(
        [sys.executable, "-m", "deploy.kafka.broker", "fetch"],
        cwd=REPOSITORY,
        env=clean | environment,
        capture_output=True,
        text=True,
        check=False,
    )


def a_program(folder: Path, name: str, script: str) -> None:
    program = folder / name
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)


def test_without_java_one_sentence_says_what_to_do():
    done = fetch(PATH=NOTHING)

    assert done.returncode == 1
    assert done.stderr.startswith("Java is not installed: install a Java 17 runtime")
    assert len(done.stderr.splitlines()) == 1


def test_with_an_old_java_one_sentence_says_so(tmp_path: Path):
    a_program(tmp_path, "java", "echo 'openjdk version \"11.0.2\"' >&2")

    done = fetch(PATH=str(tmp_path))

    assert "is older than Java 17: install a newer one" in done.stderr


def test_without_maven_one_sentence_says_what_to_do(tmp_path: Path):
    a_program(tmp_path, "java", "echo 'openjdk version \"21.0.1\"' >&2")

    done = fetch(PATH=str(tmp_path), XDG_CACHE_HOME=str(tmp_path / "cache"))

    assert done.returncode == 1
    assert done.stderr.startswith("Maven is not installed: install it")


def test_without_the_network_one_sentence_says_what_to_do_and_the_cache_stays_empty(tmp_path: Path):
    a_program(tmp_path, "java", "echo 'openjdk version \"21.0.1\"' >&2")
    a_program(tmp_path, "mvn", "echo '[ERROR] Unknown host: https://user:secret@mirror.example/x'; exit 1")

    done = fetch(PATH=f"{tmp_path}:/bin:/usr/bin", XDG_CACHE_HOME=str(tmp_path / "cache"))

    assert done.returncode == 1
    assert f"Maven could not fetch Apache Kafka {version()} (Unknown host: …): check the network" in done.stderr
    assert "secret" not in done.stderr
    assert not [path for path in (tmp_path / "cache" / "moat").iterdir() if path.is_dir()]


@pytest.mark.parametrize(("ci", "status"), [("", 0), ("true", 1)])
def test_where_kafka_cannot_be_had_the_last_line_says_so_and_in_ci_the_run_has_failed(ci: str, status: int):
    clean = {name: value for name, value in os.environ.items() if name not in {"JAVA_HOME", "MOAT_TEST_KAFKA"}}
    test = "tests/conformance/test_records.py::test_the_bus_answers_a_ping[kafka]"

    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", test],
        cwd=REPOSITORY,
        env=clean | {"PATH": NOTHING, "CI": ci},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == status, done.stdout
    last = done.stdout.rstrip().splitlines()[-1]
    assert last.startswith("KAFKA TESTS NOT RUN (1)")
    assert "Java is not installed" in last
    assert ("which in CI is a failure" in last) == bool(ci)
