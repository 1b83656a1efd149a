"""A service as a child process: started, started again when it dies, stopped."""

import contextlib
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from services.commands.names import ServiceName

Tell = Callable[[str], None]


class ServiceProcess:
    """One service in a process of its own, with its log; `tend` starts it again after a pause that grows."""

    def __init__(self, service: ServiceName, environment: dict[str, str], log_path: Path) -> None:
        self._service = service
        self._environment = environment
        self._log_path = log_path
        self._process: subprocess.Popen[bytes] | None = None
        self._failures = 0
        self._next_start = 0.0
        self._started = 0.0
        self._stopping = False

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def spawn(self) -> None:
        with self._log_path.open("ab") as log:
            self._process = subprocess.Popen(  # noqa: S603 - our own program
                [sys.executable, "-m", "services.cli", "serve", self._service.value],
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                preexec_fn=die_with_parent,  # noqa: PLW1509 - no threads here yet
                start_new_session=True,
            )
        self._started = time.monotonic()

    def tend(self, tell: Tell) -> None:
        if self._stopping or self.running():
            return
        now = time.monotonic()
        if self._next_start == 0.0:
            assert self._process is not None
            self._failures = 1 if now - self._started > 60 else self._failures + 1
            pause = pause_after(self._failures)
            self._next_start = now + pause
            tell(
                f"{self._service.value} ended with code {self._process.returncode}; starting it again in {pause:.1f} s"
            )
        elif now >= self._next_start:
            self._next_start = 0.0
            self.spawn()

    def gave_up(self) -> bool:
        """Whether it refuses to start: exit code 2 is a mistake of the operator that no retry mends."""
        return self._process is not None and self._process.poll() == 2

    def kill(self) -> int:
        assert self._process is not None
        self._process.kill()
        self._process.wait()
        return self._process.pid

    def terminate(self) -> None:
        self._stopping = True
        if self.running():
            assert self._process is not None
            self._process.terminate()

    def wait(self, seconds: float) -> None:
        if self._process is None:
            return
        try:
            self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def last_words(self) -> str:
        with contextlib.suppress(OSError):
            return self._log_path.read_text(errors="replace")[-2000:].strip()
        return "(no log)"


def pause_after(failures: int) -> float:
    """Seconds before the next start: doubling, at most ten."""
    return min(10.0, 0.2 * 2.0 ** min(failures, 6))


def die_with_parent() -> None:
    """Ask Linux to end the child when the supervisor dies, however it dies."""
    if sys.platform != "linux":
        return
    import ctypes
    import signal

    ctypes.CDLL(None).prctl(1, signal.SIGTERM)
