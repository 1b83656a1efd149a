"""`moat healthy`: whether a service is ready, for container health checks."""

import urllib.error
import urllib.request
from typing import Annotated

import typer


def healthy(url: Annotated[str, typer.Argument(help="Base URL of the service.")]) -> None:
    """Exit 0 when the service at URL is ready, 1 otherwise."""
    try:
        with urllib.request.urlopen(f"{url}/readyz", timeout=2) as answer:  # noqa: S310 - the operator's own url
            typer.echo(answer.read().decode())
    except (urllib.error.URLError, OSError) as error:
        typer.echo(f"not ready: {error}", err=True)
        raise typer.Exit(1) from None
