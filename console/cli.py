"""The `penstock` command. Each command is a file in `console.commands`; what is slow to import waits until it runs."""

import sys
from typing import Annotated

import typer

from console.commands.check import check
from console.commands.explain import explain
from console.commands.ingress import ingress
from console.commands.replay import replay
from console.commands.send import send
from console.commands.spool import spool
from console.commands.state import state
from console.commands.tail import tail
from console.commands.try_filter import try_filter
from console.commands.up import up
from console.commands.verify import verify
from console.commands.worker import worker
from console.faults import exit_code, expected_faults, explanation

EPILOG = (
    "Exit codes: 0 fine; 1 the command ran and found a problem, or what it was asked to do failed; "
    "2 arguments, configuration or surroundings (Kafka away, port taken, file missing) are wrong."
)

app = typer.Typer(
    name="penstock",
    epilog=EPILOG,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for command in (up, send, verify, tail, explain, replay, spool, check, ingress, worker):
    app.command(epilog=EPILOG)(command)
app.add_typer(state, name="state", epilog=EPILOG)
# A filter may begin with a minus sign, so what looks like an option and is none is an argument, and -h is no help.
FILTER_FIRST = {"ignore_unknown_options": True, "help_option_names": ["--help"]}
app.command(epilog=EPILOG, context_settings=FILTER_FIRST)(try_filter)


def _print_version(is_asked: bool) -> None:
    from importlib.metadata import version

    if is_asked:
        typer.echo(f"penstock {version('penstock')}")
        raise typer.Exit


@app.callback()
def penstock(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """Change data capture for webhooks: every real change of every resource once, in order, on Kafka."""


def main() -> None:
    """Run the command on the command line; a person's mistake ends with its explanation and code, never a traceback."""
    try:
        app()
    except SystemExit:
        raise  # how every run ends; looked at first, so that `--help` need not load what the next line names
    except expected_faults() as fault:
        typer.echo(f"penstock: {explanation(fault)}", err=True)
        sys.exit(exit_code(fault))


if __name__ == "__main__":
    main()
