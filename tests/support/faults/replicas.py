"""Second processes of the services, beside those of the platform: who is frozen or killed has somebody to take over."""

from pathlib import Path

from services.commands.names import ServiceName
from services.commands.platform import Platform
from services.commands.process import ServiceProcess
from tests.support.postgres import free_port


class Replicas:
    """One more process of each service, on the same databases and groups; none before `start`."""

    def __init__(self, platform: Platform) -> None:
        self._platform = platform
        self._processes: dict[ServiceName, ServiceProcess] = {}

    def start(self) -> None:
        """Start one of each."""
        for service in ServiceName:
            environment = {**self._platform.environment(service), "MOAT_PORT": str(free_port())}
            process = ServiceProcess(service, environment, self._log(service))
            process.spawn()
            self._processes[service] = process

    def running(self, service: ServiceName) -> ServiceProcess | None:
        """The process, where there is one and it runs."""
        process = self._processes.get(service)
        return process if process is not None and process.running() else None

    def tend(self) -> None:
        """Start again those that were killed."""
        for process in self._processes.values():
            process.tend(lambda _: None)

    def stop(self) -> None:
        """End them in good order."""
        for process in self._processes.values():
            process.terminate()
        for process in self._processes.values():
            process.wait(15.0)

    def _log(self, service: ServiceName) -> Path:
        return self._platform.options.directory.absolute() / f"{service.value}-2.log"
