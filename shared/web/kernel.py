"""What routes may reach: one object per application, made by the composition root, handed out by dependencies.

async def open_case(body: OpenCaseIn, uow: Uow, caller: Caller) -> CaseOut: ...
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, cast

from fastapi import Depends, Request

from shared.auth.guard import PRINCIPAL
from shared.auth.principal import ANONYMOUS, Authenticator, Principal
from shared.clock import Clock
from shared.db.database import Database
from shared.db.unit_of_work import UnitOfWorkFactory
from shared.settings import ServiceSettings
from shared.web.pages import PageTokens


@dataclass(frozen=True, slots=True)
class Kernel:
    """The parts of a running service. `parts` holds what only this service has, by its type."""

    service: str
    settings: ServiceSettings
    clock: Clock
    database: Database
    uow: UnitOfWorkFactory
    authenticator: Authenticator
    page_tokens: PageTokens
    parts: Mapping[type, Any] = field(default_factory=dict)


async def _kernel(request: Request) -> Kernel:
    return cast("Kernel", request.app.state.kernel)


async def _uow(request: Request) -> UnitOfWorkFactory:
    return cast("Kernel", request.app.state.kernel).uow


async def _database(request: Request) -> Database:
    return cast("Kernel", request.app.state.kernel).database


async def _clock(request: Request) -> Clock:
    return cast("Kernel", request.app.state.kernel).clock


async def _caller(request: Request) -> Principal:
    return cast("Principal", request.scope.get(PRINCIPAL, ANONYMOUS))


def part(kind: type) -> Any:
    """A dependency on the service's own part of this type, for use as an annotation."""

    async def of_kernel(request: Request) -> Any:
        return request.app.state.kernel.parts[kind]

    return Depends(of_kernel)


TheKernel = Annotated[Kernel, Depends(_kernel)]
Uow = Annotated[UnitOfWorkFactory, Depends(_uow)]
"""Opens a transaction for a use case."""
ReadDatabase = Annotated[Database, Depends(_database)]
"""For lists and reports, which need no unit of work."""
TheClock = Annotated[Clock, Depends(_clock)]
Caller = Annotated[Principal, Depends(_caller)]
"""Who asks; his scopes have been checked."""
