"""Fetches Apache Kafka's jars with Maven, once, into the user's cache."""

import fcntl
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final
from xml.etree import ElementTree as ET

_HERE: Final = Path(__file__).parent
_POM: Final = _HERE / "pom.xml"
_PLUGIN: Final = "org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy-dependencies"
_COMPLETE: Final = ".complete"
_JAVA_AT_LEAST: Final = 17
_INSTEAD: Final = "or name a running broker in MOAT_TEST_KAFKA=host:port"

Progress = Callable[[str], None]


class KafkaNotAvailable(Exception):  # noqa: N818
    """No local Kafka can be had on this machine; the message names what is missing and what to do."""


def version() -> str:
    """The version of Apache Kafka that this repository is tested with, as pom.xml has it."""
    namespace = {"m": "http://maven.apache.org/POM/4.0.0"}
    found = ET.parse(_POM).findtext("m:properties/m:kafka.version", namespaces=namespace)  # noqa: S314 - our own file
    if found is None:
        raise KafkaNotAvailable(f"{_POM} names no kafka.version: restore the file from the repository")
    return found


def jars(*, progress: Progress | None = None) -> Path:
    """The folder with the broker's jars, fetched if it is not there yet.

    Raises KafkaNotAvailable where Java, Maven or the network is missing. Safe when several processes ask at once.
    """
    java()
    folder = _cache() / f"kafka-{version()}"
    if (folder / _COMPLETE).exists():
        return folder
    with _alone(folder):
        if not (folder / _COMPLETE).exists():
            _fetch(folder, progress or _say)
    return folder


def java() -> str:
    """The Java program; raises KafkaNotAvailable when there is none, or one older than 17."""
    home = os.environ.get("JAVA_HOME")
    program = shutil.which("java", path=str(Path(home) / "bin")) if home else shutil.which("java")
    if program is None:
        raise KafkaNotAvailable(
            f"Java is not installed: install a Java {_JAVA_AT_LEAST} runtime "
            f"(for example openjdk-17-jre-headless), {_INSTEAD}"
        )
    said = subprocess.run([program, "-version"], check=False, capture_output=True, text=True)  # noqa: S603
    number = re.search(r'version "(\d+)', said.stderr)
    if number is None or int(number[1]) < _JAVA_AT_LEAST:
        raise KafkaNotAvailable(f"{program} is older than Java {_JAVA_AT_LEAST}: install a newer one, {_INSTEAD}")
    return program


def _cache() -> Path:
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "moat"


def _fetch(folder: Path, progress: Progress) -> None:
    maven = shutil.which("mvn")
    if maven is None:
        raise KafkaNotAvailable(f"Maven is not installed: install it (for example the package maven), {_INSTEAD}")
    progress(f"Fetching Apache Kafka {version()} with Maven: about 45 files, 44 MB, once …")
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=f"{folder.name}.") as scratch:
        target = Path(scratch) / "jars"
        log = Path(scratch) / "maven.log"
        with log.open("w") as out:
            maven_run = subprocess.Popen(  # noqa: S603
                [maven, "-B", "-f", str(_POM), _PLUGIN, "-DincludeScope=runtime", f"-DoutputDirectory={target}"],
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                cwd=scratch,
            )
            try:
                _follow(maven_run, log, progress)
            finally:
                maven_run.kill()
                maven_run.wait()
        if maven_run.returncode != 0 or not any(target.glob("kafka_2.13-*.jar")):
            raise KafkaNotAvailable(
                f"Maven could not fetch Apache Kafka {version()} ({_reason(log)}): "
                f"check the network and the mirror in Maven's settings.xml, {_INSTEAD}"
            )
        (target / _COMPLETE).touch()
        shutil.rmtree(folder, ignore_errors=True)
        target.rename(folder)
    progress(f"Apache Kafka {version()} is in {folder}")


def _follow(maven_run: subprocess.Popen[bytes], log: Path, progress: Progress) -> None:
    started = time.monotonic()
    while True:
        try:
            maven_run.wait(timeout=5)
        except subprocess.TimeoutExpired:
            done = len(re.findall(r"Downloaded from .*\.jar", log.read_text(errors="replace")))
            progress(f"  {done} jars after {time.monotonic() - started:.0f} s …")
        else:
            return


def _reason(log: Path) -> str:
    text = log.read_text(errors="replace")
    error = next((line for line in text.splitlines() if line.startswith("[ERROR]")), "no reason given")
    # Addresses of mirrors may carry credentials, and say nothing to most readers.
    return re.sub(r"\S+://\S+", "…", error.removeprefix("[ERROR]").strip())[:300]


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    folder.parent.mkdir(parents=True, exist_ok=True)
    with (folder.parent / f".{folder.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)  # noqa: T201 - progress of a command
