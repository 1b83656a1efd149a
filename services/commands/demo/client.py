"""The three services as the demo calls them: over HTTP with the admin key, like any other system."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import uuid4

import aiohttp

from services.commands.names import ServiceName


class Refused(Exception):  # noqa: N818
    """A service answered with a problem."""

    def __init__(self, method: str, path: str, status: int, problem: Any) -> None:
        self.status = status
        self.problem = problem
        super().__init__(f"{method} {path} was answered with {status}: {problem}")


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back; `etag` is what the next edit has to name."""

    status: int
    body: Any
    etag: str | None


class Client:
    """Calls the services; connections are kept."""

    def __init__(self, urls: Mapping[ServiceName, str], key: str) -> None:
        self._urls = urls
        self._session = aiohttp.ClientSession(
            headers={"X-API-Key": key},
            timeout=aiohttp.ClientTimeout(total=120),
            connector=aiohttp.TCPConnector(limit=32),
        )

    async def close(self) -> None:
        await self._session.close()

    async def call(
        self,
        service: ServiceName,
        method: str,
        path: str,
        body: Any = None,
        *,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """One request; raises Refused for any answer that is not a success."""
        async with self._session.request(
            method, self._urls[service] + path, json=body, headers=dict(headers or {})
        ) as response:
            content = await response.json(content_type=None) if response.status != 204 else None
            if response.status >= 400:
                raise Refused(method, path, response.status, content)
            return Answer(response.status, content, response.headers.get("ETag"))

    async def get(self, service: ServiceName, path: str) -> Any:
        """The body of a GET."""
        return (await self.call(service, "GET", path)).body

    async def text(self, service: ServiceName, path: str) -> str:
        """The body of a GET that is no JSON."""
        async with self._session.get(self._urls[service] + path) as response:
            content = await response.text()
            if response.status >= 400:
                raise Refused("GET", path, response.status, content)
            return content

    async def post(self, service: ServiceName, path: str, body: Any, *, etag: str | None = None) -> Any:
        """The body that a POST answers; every POST carries an idempotency key of its own."""
        headers = {"Idempotency-Key": uuid4().hex}
        if etag is not None:
            headers["If-Match"] = etag
        return (await self.call(service, "POST", path, body, headers=headers)).body

    async def every(self, service: ServiceName, path: str) -> AsyncIterator[Any]:
        """All items of a paged list."""
        token: str | None = None
        joint = "&" if "?" in path else "?"
        while True:
            page = await self.get(service, path + f"{joint}page_size=1000" + (f"&page_token={token}" if token else ""))
            for item in page["items"]:
                yield item
            token = page.get("next_page_token")
            if not token:
                return


@dataclass(frozen=True, slots=True)
class Look:
    """How the three services stood at one look."""

    quiet: bool
    activity: tuple[int, ...]
    next_due_at: datetime | None
    states: tuple[Any, ...]


class Stepper:
    """Moves the stepped clocks of services, all three unless said, and waits until nothing is left to do."""

    def __init__(
        self, client: Client, *, services: Sequence[ServiceName] = tuple(ServiceName), patience: float = 120.0
    ) -> None:
        self._client = client
        self._services = services
        self._patience = patience
        self.steps = 0

    async def look(self, *, wait: float = 0) -> Look:
        """Ask all at once; with `wait` each answers when it is quiet, at the latest after so many seconds."""
        path = f"/v1/admin/quiescence?wait={wait:g}"
        return _combined(await asyncio.gather(*(self._client.get(service, path) for service in self._services)))

    async def settle(self) -> Look:
        """Return when two looks in a row found all quiet and nothing done in between.

        One look is not enough: a record may be on its way from a service that was asked first to one asked later.
        """
        async with asyncio.timeout(self._patience):
            before = await self.look(wait=5)
            while True:
                now = await self.look(wait=5)
                if now.quiet and before.quiet and now.activity == before.activity:
                    return now
                before = now

    async def move(self, to: datetime) -> None:
        """Move all clocks; nothing has reacted yet when this returns."""
        self.steps += 1
        body = {"now": to.isoformat().replace("+00:00", "Z")}
        await asyncio.gather(*(self._client.call(s, "POST", "/v1/admin/clock", body) for s in self._services))


def _combined(states: Sequence[Any]) -> Look:
    due = [datetime.fromisoformat(state["next_due_at"]) for state in states if state["next_due_at"]]
    return Look(
        quiet=all(state["quiet"] for state in states),
        activity=tuple(state["activity"] for state in states),
        next_due_at=min(due, default=None),
        states=tuple(states),
    )
