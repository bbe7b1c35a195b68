"""The `penstock` command. Each command is a file in `console.commands`; slow imports wait until the command runs."""

import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from config.escaping import harmless_lines
from console.commands.acls import acls
from console.commands.check import check
from console.commands.dead import dead
from console.commands.demo_store import demo_store
from console.commands.explain import explain
from console.commands.ingress import ingress
from console.commands.load import load
from console.commands.pending import pending
from console.commands.query import query
from console.commands.replay import replay
from console.commands.schema import schema
from console.commands.send import send
from console.commands.spool import spool
from console.commands.state import state
from console.commands.subscribe import subscribe
from console.commands.tail import tail
from console.commands.try_filter import try_filter
from console.commands.up import up
from console.commands.verify import verify
from console.commands.warehouse import warehouse
from console.commands.worker import worker
from console.errors import FAILED, exit_code, expected_faults, explanation
from local.screen import output, say

EPILOG = (
    "Exit codes: 0 fine; 1 the command ran and found a problem, or what it was asked to do failed; "
    "2 arguments, configuration or surroundings (Kafka away, port taken, file missing) are wrong."
)


class Commands(TyperGroup):
    """The commands. Typer reports command-line errors itself, and its message may quote an argument."""

    def make_context(self, *args: Any, **options: Any) -> Any:  # Any: Typer's own, private types
        """Parse the arguments before the command."""
        with _harmless_mistakes():
            return super().make_context(*args, **options)

    def invoke(self, ctx: Any) -> Any:
        """Parse the arguments after the command, and run it."""
        with _harmless_mistakes():
            return super().invoke(ctx)


@contextmanager
def _harmless_mistakes() -> Iterator[None]:
    try:
        yield
    except typer.TyperException as mistake:
        mistake.message = harmless_lines(mistake.message)
        raise


app = typer.Typer(
    name="penstock",
    cls=Commands,
    epilog=EPILOG,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for command in (up, send, verify, tail, explain, replay, check, acls, ingress, worker, load, query):
    app.command(epilog=EPILOG)(command)
app.command("demo-store", hidden=True, epilog=EPILOG)(demo_store)
app.add_typer(dead, name="dead", epilog=EPILOG)
app.add_typer(pending, name="pending", epilog=EPILOG)
app.add_typer(schema, name="schema", epilog=EPILOG)
app.add_typer(spool, name="spool", epilog=EPILOG)
app.add_typer(state, name="state", epilog=EPILOG)
app.add_typer(subscribe, name="subscribe")
app.add_typer(warehouse, name="warehouse", epilog=EPILOG)
# A filter may begin with a minus sign, so an unknown option is an argument, and -h does not show the help.
FILTER_FIRST = {"ignore_unknown_options": True, "help_option_names": ["--help"]}
app.command(epilog=EPILOG, context_settings=FILTER_FIRST)(try_filter)


def _print_version(is_asked: bool) -> None:
    from importlib.metadata import version

    if is_asked:
        output(f"penstock {version('penstock')}")
        raise typer.Exit


@app.callback()
def penstock(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """Change data capture for webhooks: every real change of every resource once, in order, on Kafka."""


def main() -> None:
    """Run the command from the command line; a user's mistake ends with its explanation and exit code, without a traceback."""
    try:
        app()
    except SystemExit:
        raise  # how every run ends; matched first, so that `--help` does not import what the next line needs
    except expected_faults() as fault:
        say(f"penstock: {explanation(fault)}")
        sys.exit(exit_code(fault))
    except Exception:  # noqa: BLE001 - a bug keeps its traceback; its last line may quote a payload
        say(traceback.format_exc().rstrip("\n"))
        sys.exit(FAILED)


if __name__ == "__main__":
    main()
