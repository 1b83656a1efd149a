"""What benchmarks stand on: one PostgreSQL at its default durability and one Apache Kafka, on this machine, now."""

import os
import platform
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path

from deploy.kafka.broker import LocalKafka
from shared.db.embedded import EmbeddedPostgres


class Bench:
    """The two servers; the broker is started when it is wanted first."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.postgres = EmbeddedPostgres(directory / "postgres", settings={"shared_buffers": "512MB"})
        self.postgres.start()
        self._kafka: LocalKafka | None = None
        self._databases = self._brokers = 0

    @property
    def kafka(self) -> str:
        """host:port of the broker."""
        return self._kafka.bootstrap if self._kafka is not None else self.fresh_kafka()

    def fresh_kafka(self) -> str:
        """host:port of a broker without topics: whole services have the names of their topics and groups fixed."""
        if self._kafka is not None:
            self._kafka.stop()
        self._brokers += 1
        self._kafka = LocalKafka(self.directory / f"kafka-{self._brokers}")
        self._kafka.start()
        return self._kafka.bootstrap

    def database(self, label: str) -> str:
        """The url of a new database."""
        self._databases += 1
        return self.postgres.create_database(f"{label}_{self._databases}")

    def close(self) -> None:
        if self._kafka is not None:
            self._kafka.stop()
        self.postgres.stop(mode="immediate")

    def machine(self) -> dict[str, str]:
        """What a figure means little without."""
        return {
            "cores": str(len(os.sched_getaffinity(0))),
            "cpu": _cpu(),
            "fdatasync per second": f"{_fsync_rate(self.directory):,.0f}",
            "PostgreSQL": "18 (fsync and synchronous_commit on)",
            "Apache Kafka": "4.3.0, one broker" if self._kafka is not None else "not used",
            "Python": platform.python_version(),
            **{name: version(name) for name in ("aiokafka", "asyncpg", "sqlalchemy", "fastapi", "pydantic", "polars")},
        }


@contextmanager
def a_bench() -> Iterator[Bench]:
    with tempfile.TemporaryDirectory(prefix="moat-bench-") as directory:
        os.chmod(directory, 0o755)  # the account that runs PostgreSQL has to get through
        bench = Bench(Path(directory))
        try:
            yield bench
        finally:
            bench.close()


def _fsync_rate(directory: Path) -> float:
    path = directory / "fsync"
    with path.open("wb") as file:
        started = time.perf_counter()
        for _ in range(500):
            file.write(b"x" * 4096)
            file.flush()
            os.fdatasync(file.fileno())
    path.unlink()
    return 500 / (time.perf_counter() - started)


def _cpu() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return platform.processor()


def best_rate(call: Callable[[], object], calls: int, *, rounds: int = 5) -> float:
    """Calls a second in the best of several rounds, after one call that warms up."""
    call()
    rates = []
    for _ in range(rounds):
        started = time.perf_counter()
        for _ in range(calls):
            call()
        rates.append(calls / (time.perf_counter() - started))
    return max(rates)
