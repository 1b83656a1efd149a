"""Health for machines (the status code) and people (`?verbose`).

`/livez`: this process turns; it asks nobody else, for a restart does not mend a database. `/readyz`: requests make
sense here: the database answers, its schema is ours, and we are not shutting down. A bus that is away is reported as
degraded and fails nothing: the outbox keeps what is to be sent. After the Kubernetes conventions.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Annotated, Final

from fastapi import Query, Request
from starlette.responses import PlainTextResponse, Response

from shared.auth.guard import open_to_all
from shared.web.edge import Door
from shared.web.routing import Router

_SECONDS: Final = 2.0


class Unhealthy(Exception):  # noqa: N818 - a named fact
    """A check that did not pass; the message says why."""


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that must be well. One that may fail without harm to requests only degrades."""

    name: str
    run: Callable[[], Awaitable[None]]
    degrades_only: bool = False


@dataclass(frozen=True, slots=True)
class Finding:
    """What a check found."""

    name: str
    passed: bool
    degrades_only: bool
    reason: str

    def line(self) -> str:
        sign = "+" if self.passed else ("~" if self.degrades_only else "-")
        word = "ok" if self.passed else ("degraded" if self.degrades_only else "failed")
        return f"[{sign}]{self.name} {word}" + (f": {self.reason}" if self.reason else "")


def health_router(door: Door, *, live: Sequence[Check], ready: Sequence[Check]) -> Router:
    """`/livez`, `/readyz` and `/healthz`, open to all."""
    router = Router(tags=["health"], dependencies=[open_to_all()])
    Verbose = Annotated[str | None, Query(description="Give it (even empty) for one line per check.")]  # noqa: N806
    Exclude = Annotated[list[str], Query(description="Names of checks to leave out.")]  # noqa: N806

    async def draining() -> None:
        if door.draining:
            raise Unhealthy("the service is shutting down")

    async def livez(verbose: Verbose = None, exclude: Exclude = []) -> Response:  # noqa: B006 - never changed
        """The process is alive: its loops turn. Restart it when this fails."""
        return _answer(await _run(live, exclude), verbose=verbose is not None)

    async def readyz(request: Request, verbose: Verbose = None, exclude: Exclude = []) -> Response:  # noqa: ARG001, B006
        """Requests make sense here. Send none while this fails."""
        checks = (Check("not-draining", draining), *ready)
        return _answer(await _run(checks, exclude), verbose=verbose is not None)

    for path, endpoint, summary in (
        ("/livez", livez, "Alive?"),
        ("/readyz", readyz, "Ready for requests?"),
        ("/healthz", readyz, "The same as /readyz, by its older name"),
    ):
        router.add_api_route(
            path,
            endpoint,
            methods=["GET"],
            summary=summary,
            response_class=PlainTextResponse,
            name=path.strip("/"),
            responses={
                200: {"description": "Well.", "content": {"text/plain": {"example": "ok"}}},
                503: {"description": "Not well; the lines say why.", "content": {"text/plain": {"example": "failed"}}},
            },
        )
    return router


async def _run(checks: Sequence[Check], exclude: Sequence[str]) -> list[Finding]:
    return list(await asyncio.gather(*(_find(check) for check in checks if check.name not in exclude)))


async def _find(check: Check) -> Finding:
    try:
        async with asyncio.timeout(_SECONDS):
            await check.run()
    except TimeoutError:
        return Finding(check.name, False, check.degrades_only, f"no answer within {_SECONDS:g} s")
    except Unhealthy as error:
        return Finding(check.name, False, check.degrades_only, str(error))
    except Exception as error:  # noqa: BLE001 - whatever is wrong, the check has failed
        return Finding(check.name, False, check.degrades_only, type(error).__name__)
    return Finding(check.name, True, check.degrades_only, "")


def _answer(findings: Sequence[Finding], *, verbose: bool) -> Response:
    failed = any(not f.passed and not f.degrades_only for f in findings)
    degraded = any(not f.passed for f in findings)
    word = "failed" if failed else ("degraded" if degraded else "ok")
    lines = [f.line() for f in findings] if verbose or failed else []
    return PlainTextResponse("\n".join([*lines, word]) + "\n", status_code=503 if failed else 200)
