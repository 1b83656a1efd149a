"""A real, single Apache Kafka broker (KRaft) on this machine.

`python -m deploy.kafka.broker fetch` fills the cache, `… run DIRECTORY [--port N]` serves until it is told to stop.
"""

import argparse
import asyncio
import base64
import os
import secrets
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Coroutine
from pathlib import Path
from typing import Any, Final

from deploy.kafka.fetch import KafkaNotAvailable, jars, java

_HERE: Final = Path(__file__).parent
_READY_SECONDS: Final = 60
_STOP_SECONDS: Final = 20
_PROPERTIES: Final = {
    "process.roles": "broker,controller",
    "node.id": "1",
    "controller.listener.names": "CONTROLLER",
    "listener.security.protocol.map": "CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT",
    "num.partitions": "12",
    "auto.create.topics.enable": "false",
    "default.replication.factor": "1",
    "offsets.topic.replication.factor": "1",
    "offsets.topic.num.partitions": "4",
    "transaction.state.log.replication.factor": "1",
    "transaction.state.log.min.isr": "1",
    "transaction.state.log.num.partitions": "4",
    "share.coordinator.state.topic.replication.factor": "1",
    "share.coordinator.state.topic.min.isr": "1",
    "group.initial.rebalance.delay.ms": "0",
    # After a crash the controller takes the broker back only when its old session is over.
    "broker.session.timeout.ms": "2000",
    "broker.heartbeat.interval.ms": "500",
}


class LocalKafka:
    """One broker that keeps its data, its port and its log in `directory`, and dies with the process that started it.

    `properties` are added to, or replace, the broker's settings. Blocking: call it from a thread where a loop runs.
    """

    def __init__(self, directory: Path, port: int | None = None, *, properties: dict[str, str] | None = None) -> None:
        self.directory = directory.absolute()
        self._port = port
        self._properties = properties or {}
        self._broker: subprocess.Popen[bytes] | None = None
        self._watchdog: subprocess.Popen[bytes] | None = None

    @property
    def bootstrap(self) -> str:
        """host:port of its clients' listener."""
        return f"127.0.0.1:{self._ports()[0]}"

    @property
    def pid(self) -> int:
        """The process id of the running broker."""
        if self._broker is None:
            raise KafkaNotAvailable("The broker is not running: call start()")
        return self._broker.pid

    def start(self) -> None:
        """Fetch and format what is missing, start, and return when it answers a metadata request.

        Starting again after `kill` or `stop` keeps port and data. Raises KafkaNotAvailable.
        """
        if self._broker is not None and self._broker.poll() is None:
            return
        classpath = f"{jars()}/*"
        self.directory.mkdir(parents=True, exist_ok=True)
        self._configure()
        if not (self.directory / "data" / "meta.properties").exists():
            self._format(classpath)
        self._run_broker(classpath)
        self._wait_until_ready()

    def stop(self) -> None:
        """Shut it down in good order, with -9 after 20 seconds; harmless when it does not run."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """Kill -9, as a crash."""
        self._end(signal.SIGKILL)

    def pause(self) -> None:
        """Freeze it (SIGSTOP): connections stay open, nothing is answered."""
        os.kill(self.pid, signal.SIGSTOP)

    def resume(self) -> None:
        """Let a frozen broker go on."""
        os.kill(self.pid, signal.SIGCONT)

    def _run_broker(self, classpath: str) -> None:
        # Sessions of their own: Ctrl-C at the terminal is the caller's to handle, who then stops the broker.
        with (self.directory / "broker.log").open("ab") as log:
            self._broker = subprocess.Popen(  # noqa: S603
                [*_java(classpath), "kafka.Kafka", str(self.directory / "server.properties")],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self.directory,
                start_new_session=True,
            )
        # The pipe ends when this process ends, however it ends; then the broker is killed.
        self._watchdog = subprocess.Popen(  # noqa: S603
            ["/bin/sh", "-c", 'read -r _; kill -9 "$0"', str(self._broker.pid)],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )

    def _end(self, how: signal.Signals) -> None:
        broker, watchdog = self._broker, self._watchdog
        self._broker = self._watchdog = None
        if broker is not None:
            broker.send_signal(how)
            broker.send_signal(signal.SIGCONT)
            try:
                broker.wait(timeout=_STOP_SECONDS)
            except subprocess.TimeoutExpired:
                broker.kill()
                broker.wait()
        if watchdog is not None and watchdog.stdin is not None:
            watchdog.kill()  # before its pipe is closed: it must not kill whoever has the broker's id by now
            watchdog.wait()
            watchdog.stdin.close()

    def _configure(self) -> None:
        clients, controller = self._ports()
        settings = _PROPERTIES | {
            "controller.quorum.bootstrap.servers": f"127.0.0.1:{controller}",
            "listeners": f"PLAINTEXT://127.0.0.1:{clients},CONTROLLER://127.0.0.1:{controller}",
            "advertised.listeners": f"PLAINTEXT://127.0.0.1:{clients}",
            "log.dirs": str(self.directory / "data"),
        }
        lines = (f"{name}={value}\n" for name, value in (settings | self._properties).items())
        (self.directory / "server.properties").write_text("".join(lines))

    def _ports(self) -> tuple[int, int]:
        kept = self.directory / "ports"
        if not kept.exists():
            self.directory.mkdir(parents=True, exist_ok=True)
            clients, controller = _free_ports()
            kept.write_text(f"{self._port or clients} {controller}")
        clients, controller = (int(port) for port in kept.read_text().split())
        return self._port or clients, controller

    def _format(self, classpath: str) -> None:
        # An id that begins with a dash would be read as an option.
        cluster = "M" + base64.urlsafe_b64encode(secrets.token_bytes(16)).rstrip(b"=").decode()[1:]
        settings = str(self.directory / "server.properties")
        done = subprocess.run(  # noqa: S603
            [*_java(classpath), "kafka.tools.StorageTool", "format", "--standalone", "-t", cluster, "-c", settings],
            check=False,
            capture_output=True,
            text=True,
        )
        if done.returncode != 0:
            reason = done.stderr.strip()[-500:]
            raise KafkaNotAvailable(f"Kafka's storage in {self.directory} could not be set up: {reason}")

    def _wait_until_ready(self) -> None:
        deadline = time.monotonic() + _READY_SECONDS
        while time.monotonic() < deadline:
            if self._broker is None or self._broker.poll() is not None:
                break
            if answers(self.bootstrap):
                return
            time.sleep(0.1)
        log = (self.directory / "broker.log").read_text(errors="replace")[-1500:]
        self.kill()
        raise KafkaNotAvailable(f"Kafka did not start on {self.bootstrap}; the end of its log:\n{log}")


def answers(bootstrap: str) -> bool:
    """Whether a broker at `bootstrap` answers a metadata request; says no within a few seconds."""
    host, _, port = bootstrap.partition(",")[0].rpartition(":")
    try:
        # A port that is shut is the common case while it starts: no need to make a client for it.
        socket.create_connection((host, int(port)), timeout=2).close()
    except OSError:
        return False
    return _in_a_loop_of_its_own(_answers(bootstrap))


async def _answers(bootstrap: str) -> bool:
    from aiokafka.client import AIOKafkaClient
    from aiokafka.errors import KafkaError

    client = AIOKafkaClient(bootstrap_servers=bootstrap, request_timeout_ms=3000)
    try:
        await client.bootstrap()
        return bool(client.cluster.brokers())
    except KafkaError:
        return False
    finally:
        await client.close()


def _java(classpath: str) -> list[str]:
    log = f"-Dlog4j2.configurationFile={_HERE / 'log4j2.properties'}"
    return [java(), "-Xms128m", "-Xmx384m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", log, "-cp", classpath]


def _in_a_loop_of_its_own(work: Coroutine[Any, Any, bool]) -> bool:
    answer: list[bool] = []
    thread = threading.Thread(target=lambda: answer.append(asyncio.run(work)))
    thread.start()
    thread.join()
    return bool(answer and answer[0])


def _free_ports() -> tuple[int, int]:
    with socket.socket() as one, socket.socket() as other:
        one.bind(("127.0.0.1", 0))
        other.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1]), int(other.getsockname()[1])


def main() -> int:
    """The command line; 0 after a clean stop, 1 with one sentence where no Kafka can be had."""
    parser = argparse.ArgumentParser(prog="python -m deploy.kafka.broker", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("fetch", help="fetch the jars into the cache")
    run = commands.add_parser("run", help="serve until SIGINT or SIGTERM")
    run.add_argument("directory", type=Path)
    run.add_argument("--port", type=int)
    given = parser.parse_args()
    try:
        if given.command == "fetch":
            jars()
            return 0
        broker = LocalKafka(given.directory, given.port)
        ended = threading.Event()
        for ending in (signal.SIGINT, signal.SIGTERM):
            signal.signal(ending, lambda *_: ended.set())
        broker.start()
        print(broker.bootstrap, flush=True)  # noqa: T201 - the command's answer
        ended.wait()
        broker.stop()
    except KafkaNotAvailable as missing:
        print(missing, file=sys.stderr)  # noqa: T201
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
