"""`moat up` as a person runs it: one command, three services, a key printed once, a clean end."""

import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import psutil
import pytest

from tests.support.platform import free_base
from tests.support.postgres import server_directory

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.timeout(400)


@pytest.fixture
def folder():
    """A folder that the account that runs PostgreSQL can reach."""
    with server_directory() as directory:
        yield directory


@pytest.fixture
def up(folder):
    """Starts `moat up`; whatever still runs at the end is ended."""
    started: list[_Up] = []

    def start(**options) -> "_Up":
        started.append(_Up(folder, options.pop("base", None) or free_base()))
        return started[-1]

    yield start
    for run in started:
        run.end()


@pytest.fixture(scope="module")
def running_up():
    """One that is ready, for tests that leave it as they found it."""
    with server_directory() as directory:
        run = _Up(directory, free_base())
        try:
            run.wait_ready()
            yield run
        finally:
            run.end()


def test_it_serves_three_documented_services_prints_its_key_once_and_stops_cleanly(up, folder):
    first = up()
    first.wait_ready()
    pids = first.services()
    key = (folder / "data/admin.key").read_text().strip()

    assert (folder / "data/admin.key").stat().st_mode & 0o777 == 0o600
    assert key in first.screen()
    for port in (1, 2, 3):
        with urllib.request.urlopen(f"http://127.0.0.1:{first.base + port}/docs") as page:
            assert page.status == 200
    request = urllib.request.Request(f"http://127.0.0.1:{first.base + 1}/v1/customers", headers={"X-API-Key": key})
    assert json.load(urllib.request.urlopen(request)) == {"items": [], "next_page_token": None}
    assert first.stop() == 0
    assert not any(psutil.pid_exists(pid) for pid in pids)
    assert not (folder / "data/postgres/data/postmaster.pid").exists()

    second = up(base=first.base)
    second.wait_ready()
    assert key not in second.screen()


def test_a_service_that_is_killed_is_started_again(running_up):
    run = running_up
    victim = run.services()[0]

    os.kill(victim, signal.SIGKILL)
    run.wait_ready(said="starting it again")

    assert victim not in run.services()
    assert len(run.services()) == 3


def test_killing_it_outright_leaves_no_service_behind_and_the_next_start_takes_the_database_over(up):
    run = up()
    run.wait_ready()
    pids = run.services()

    run.process.kill()
    run.process.wait()
    _until(lambda: not any(psutil.pid_exists(pid) and psutil.Process(pid).status() != "zombie" for pid in pids))

    again = up(base=run.base)
    again.wait_ready()


def test_a_second_one_on_the_same_folder_is_told_so_in_one_sentence(running_up):
    done = _refused(running_up.folder, free_base())

    assert "another moat runs on" in done
    assert "--data" in done


def test_a_taken_port_is_told_in_one_sentence(folder):
    import socket

    base = free_base()
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", base + 2))
        taken.listen()
        done = _refused(folder, base)

    assert f"port {base + 2}, wanted for crisis, is taken" in done
    assert "--port-base" in done


def test_tail_shows_what_flows(running_up):
    run, folder = running_up, running_up.folder
    key = (folder / "data/admin.key").read_text().strip()
    fact = {
        "specversion": "1.0",
        "id": "one",
        "source": "tests",
        "type": "customer.order.placed.v1",
        "subject": "C-1",
        "time": "2026-01-05T08:00:00Z",
        "data": {"order_id": "1", "amount": "10.00", "currency": "CNY", "placed_at": "2026-01-05T08:00:00Z"},
    }
    request = urllib.request.Request(
        f"http://127.0.0.1:{run.base + 1}/v1/facts",
        data=json.dumps(fact).encode(),
        headers={"X-API-Key": key, "Content-Type": "application/json"},
    )
    assert json.load(urllib.request.urlopen(request))["accepted"] == 1

    done = subprocess.run(
        [sys.executable, "-m", "services.cli", "tail", "--count", "1", "--since", "600", "--topic", "moat.facts.v1"],
        cwd=ROOT,
        env={**os.environ, "MOAT_BUS_URL": _bus_url(folder)},
        capture_output=True,
        text=True,
        timeout=120,
    )

    assert "C-1" in done.stdout, done.stderr
    assert "customer.order.placed.v1" in done.stdout
    assert "amount=10.00" in done.stdout


def test_help_answers_without_loading_what_it_does_not_need():
    code = (
        "import sys, services.cli; print([m for m in ('polars', 'fastapi', 'aiokafka', 'alembic') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "[]"


class _Up:
    def __init__(self, folder: Path, base: int) -> None:
        self.folder = folder
        self.base = base
        self._log = folder / f"screen-{time.monotonic_ns()}.log"
        with self._log.open("wb") as screen:
            self.process = subprocess.Popen(
                [*_COMMAND, "--data", str(folder / "data"), "--port-base", str(base)],
                cwd=ROOT,
                stdout=screen,
                stderr=screen,
                stdin=subprocess.DEVNULL,
                start_new_session=True,
            )

    def screen(self) -> str:
        return self._log.read_text()

    def wait_ready(self, *, said: str = "ready") -> None:
        _until(lambda: said in self.screen() or self.process.poll() is not None, tell=self.screen)
        _until(lambda: all(_answers(self.base + port) for port in (1, 2, 3)), tell=self.screen)

    def services(self) -> list[int]:
        children = psutil.Process(self.process.pid).children()
        return [child.pid for child in children if "serve" in child.cmdline()]

    def stop(self) -> int:
        self.process.terminate()
        return self.process.wait(90)

    def end(self) -> None:
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(90)
            except subprocess.TimeoutExpired:
                self.process.kill()


_COMMAND = (str(Path(sys.executable).with_name("moat")), "up")


def _refused(folder: Path, base: int) -> str:
    done = subprocess.run(
        [*_COMMAND, "--data", str(folder / "data"), "--port-base", str(base)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 2
    assert len(done.stderr.strip().splitlines()) == 1
    return done.stderr


def _bus_url(folder: Path) -> str:
    postgres = folder / "data/postgres"
    password, port = (postgres / "password").read_text(), (postgres / "port").read_text()
    return f"postgresql://moat:{password}@127.0.0.1:{port}/moat_bus"


def _answers(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=2) as answer:
            return answer.status == 200
    except OSError:
        return False


def _until(condition, *, seconds: float = 120.0, tell=lambda: "") -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, tell()
        time.sleep(0.1)
