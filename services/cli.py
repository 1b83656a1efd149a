"""`moat`: run, migrate, watch and mend the platform from a shell.

Commands import what they need when they run, so that `moat --help` answers at once.
"""

import typer

from services.commands import bus_tools, demo, healthy, keys, mail_sink, migrate, serve, sla, tail, up

app = typer.Typer(
    name="moat",
    help="Grades customers, opens a crisis when a relationship breaks, runs the clocks it was promised, tells people.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
app.command("up")(up.up)
app.command("demo")(demo.demo)
app.command("serve")(serve.serve)
app.command("migrate")(migrate.migrate)
app.command("tail")(tail.tail)
app.command("mail-sink")(mail_sink.mail_sink)
app.command("healthy")(healthy.healthy)
app.command("contracts", context_settings={"allow_extra_args": True, "ignore_unknown_options": True})(
    bus_tools.contracts
)
app.add_typer(keys.app, name="keys", help="API keys: create, list, rotate, revoke.")
app.add_typer(sla.sla, name="sla", help="Clocks by other versions: a dry run, what it found, its approval.")
app.add_typer(bus_tools.dlq, name="dlq", help="Dead letters: list, show, replay, drop.")
app.add_typer(bus_tools.parked, name="parked", help="Parked keys: list, release, drop.")


def main() -> None:
    """Entry point of the `moat` command."""
    app()


if __name__ == "__main__":
    main()
