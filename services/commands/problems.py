"""How a command ends when it cannot do its work: one sentence on stderr and exit code 2."""

from collections.abc import Iterator
from contextlib import contextmanager

import typer


def fail(sentence: str) -> typer.Exit:
    """Print what is wrong and what to do; raise the answer."""
    typer.echo(f"moat: {sentence}", err=True)
    return typer.Exit(2)


@contextmanager
def told_plainly(*kinds: type[Exception]) -> Iterator[None]:
    """Turn these expected failures into one sentence."""
    try:
        yield
    except kinds as error:
        raise fail(str(error)) from None
