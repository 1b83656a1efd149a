"""The demo, shortened: it ends by itself, leaves nothing running, and tells the same on both buses."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from tests.support.platform import free_base
from tests.support.postgres import server_directory

ROOT = Path(__file__).parents[2]


@pytest.mark.kafka
@pytest.mark.timeout(660)
@pytest.mark.parametrize(("one_in", "customers"), [(5, 4_714), pytest.param(1, 23_570, marks=pytest.mark.long)])
def test_two_days_of_the_demo_tell_the_same_on_both_buses_and_leave_nothing_running(tmp_path, kafka, one_in, customers):
    embedded = _play(tmp_path / "embedded", f"--one-in={one_in}")
    on_kafka = _play(tmp_path / "kafka", f"--one-in={one_in}", "--kafka")

    assert embedded["figures"] == on_kafka["figures"]
    assert embedded["figures"]["customers_graded"] == customers
    assert embedded["figures"]["cases"] > 0
    assert _due(embedded, "initial_resolution") == [
        "2026-02-24T10:00:00Z",  # after the Spring Festival, the make-up Saturday counted
        "2026-03-11T21:00:00Z",
        "2026-03-25T21:00:00Z",
    ]
    assert [document["timings"]["bus"] for document in (embedded, on_kafka)] == ["postgresql", "kafka"]


def _due(document: dict, target: str) -> list[str]:
    """When this target of each promise that is explained was due."""
    promises = document["figures"]["promises"]
    return [clock["due_at"] for promise in promises for clock in promise["clocks"] if clock["target"] == target]


def _play(out: Path, *options: str) -> dict:
    """Run the demo for two days; it must end with 0 and take every process with it."""
    out.mkdir(parents=True)
    log = out / "screen.log"
    command = [Path(sys.executable).with_name("moat"), "demo", "--days", "2", "--out", str(out), *options]
    with log.open("wb") as screen, server_directory() as directory:
        process = subprocess.Popen(
            [*command, "--port-base", str(free_base())],
            cwd=ROOT,
            env={**os.environ, "TMPDIR": str(directory)},
            stdout=screen,
            stderr=screen,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
        )
        try:
            code = process.wait(300)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGINT)
            process.wait(30)
            raise
    assert code == 0, log.read_text()[-3000:]
    assert _descended_from(out) == []
    assert 'class="bar"' in (out / "demo.html").read_text()
    return json.loads((out / "demo.json").read_text())


def _descended_from(out: Path) -> list[str]:
    """Processes whose command line still names this run."""
    found = []
    for process in psutil.process_iter(["cmdline"]):
        line = " ".join(process.info["cmdline"] or [])
        if str(out) in line:
            found.append(line)
    return found
