"""`moat serve SERVICE`: one service in this process, as a container runs it."""

import importlib
from typing import Annotated

import typer

from services.commands.names import PORT_OFFSETS, ServiceName
from services.commands.problems import told_plainly


def serve(
    service: Annotated[ServiceName, typer.Argument(help="Which service to run.")],
    port: Annotated[int | None, typer.Option(help="Its port; 8001 scoring, 8002 crisis, 8003 notify.")] = None,
    host: Annotated[
        str | None, typer.Option(help="The address to listen on; 127.0.0.1 unless MOAT_HOST says else.")
    ] = None,
) -> None:
    """Run one service until SIGTERM. Settings come from MOAT_… variables; see `services/<service>/settings.py`."""
    from pydantic import ValidationError

    from shared.db.migrations import SchemaProblem
    from shared.settings import read_variable

    given: dict[str, object] = {}
    if port is not None:
        given["port"] = port
    elif read_variable(service.value, "port") is None:
        given["port"] = 8000 + PORT_OFFSETS[service]
    if host is not None:
        given["host"] = host
    module = importlib.import_module(f"services.{service.value}.app")
    with told_plainly(SchemaProblem):
        try:
            module.serve(**given)
        except ValidationError as error:
            raise typer.Exit(_explain(service, error)) from None


def _explain(service: ServiceName, error: object) -> int:
    from pydantic import ValidationError

    assert isinstance(error, ValidationError)
    for problem in error.errors(include_url=False, include_input=False):
        name = "_".join(str(part) for part in problem["loc"]).upper()
        said = problem["msg"].removeprefix("Value error, ")
        said = said[:1].lower() + said[1:]
        typer.echo(f"moat: MOAT_{name} (or MOAT_{service.value.upper()}_{name}): {said}", err=True)
    return 2
