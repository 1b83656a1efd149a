"""The compose file: valid by its schema, and its commands and settings run as local processes.

No container engine is needed: what differs from containers is where things are, so host names become 127.0.0.1 and
mounted secrets become files.
"""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml

from tests.support.platform import free_base

ROOT = Path(__file__).parents[3]
COMPOSE = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
SERVICES = ("scoring", "crisis", "notify")


def test_the_compose_file_keeps_to_the_compose_specification():
    done = subprocess.run(
        [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec", "docker-compose.yml"],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )

    assert done.returncode == 0, done.stdout


def test_no_secret_stands_in_the_compose_file():
    for name, service in COMPOSE["services"].items():
        for variable, value in service.get("environment", {}).items():
            assert not ("PASSWORD" in variable or "DATABASE_URL" in variable) or variable.endswith("_FILE"), (
                name,
                value,
            )


def test_the_broker_is_the_version_that_the_tests_run_on():
    pom = (ROOT / "deploy/kafka/pom.xml").read_text()
    version = COMPOSE["services"]["kafka"]["image"].rpartition(":")[2]

    assert f"<version>{version}</version>" in pom or f">{version}<" in pom


@pytest.mark.kafka
@pytest.mark.timeout(400)
def test_its_commands_and_settings_run_as_local_processes(tmp_path, postgres, own_kafka):
    secrets, kafka = _secrets(tmp_path, postgres), own_kafka.bootstrap
    base = free_base()
    log = tmp_path / "out.log"
    running: list[subprocess.Popen[bytes]] = []
    try:
        mail = _spawn(log, "mail", secrets, kafka, base)
        running.append(mail)
        assert _spawn(log, "migrate", secrets, kafka, base).wait(120) == 0, log.read_text()
        running += [_spawn(log, name, secrets, kafka, base) for name in SERVICES]
        for name in SERVICES:
            _wait_healthy(name, base, log)
    finally:
        for process in running:
            process.send_signal(signal.SIGTERM)
        codes = [process.wait(90) for process in running]
    assert codes[1:] == [0, 0, 0]


def _secrets(directory: Path, postgres) -> dict[str, str]:
    """What deploy/secrets.sh makes, for databases of this test."""
    variables = {}
    for name in SERVICES:
        path = directory / f"{name}_database_url"
        path.write_text(postgres.server.create_database(f"compose_{name}_{directory.name[-8:]}".replace("-", "_")))
        variables[f"/run/secrets/{name}_database_url"] = str(path)
    return variables


def _spawn(log: Path, name: str, secrets: dict[str, str], kafka: str, base: int) -> subprocess.Popen[bytes]:
    service = COMPOSE["services"][name]
    environment = {key: secrets.get(value, value) for key, value in service.get("environment", {}).items()}
    environment = {key: value.replace("kafka:9092", kafka) for key, value in environment.items()}
    environment = {key: value.replace("mail:1025", f"127.0.0.1:{base + 9}") for key, value in environment.items()}
    command = [_local(part, name, base) for part in service["command"]]
    if name in SERVICES:
        command += ["--port", str(base + 1 + SERVICES.index(name))]
    inherited = {key: value for key, value in os.environ.items() if not key.startswith("MOAT_")}
    with log.open("ab") as out:
        return subprocess.Popen(
            [sys.executable, "-m", "services.cli", *command],
            cwd=ROOT,
            env={**inherited, **environment},
            stdout=out,
            stderr=out,
            stdin=subprocess.DEVNULL,
        )


def _local(part: str, name: str, base: int) -> str:
    if part == "0.0.0.0":
        return "127.0.0.1"
    return str(base + 9) if name == "mail" and part == "1025" else part


def _wait_healthy(name: str, base: int, log: Path) -> None:
    """By the container's own health check."""
    check = COMPOSE["services"][name]["healthcheck"]["test"]
    url = f"http://127.0.0.1:{base + 1 + SERVICES.index(name)}"
    until = time.monotonic() + 120
    while True:
        done = subprocess.run(
            [sys.executable, "-m", "services.cli", *check[2:-1], url], cwd=ROOT, capture_output=True, text=True
        )
        if done.returncode == 0:
            return
        assert time.monotonic() < until, f"{name}: {done.stderr}\n{log.read_text()[-3000:]}"
        time.sleep(0.3)
