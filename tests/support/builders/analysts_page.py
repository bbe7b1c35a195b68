"""docs/analysts.md with the results of its commands, made by running them on the analysts' sample.

A line that begins with `$` is a command; what follows it, up to a blank line, is its result. `make docs` writes the page again.
"""

import re
import shlex
import tempfile
from contextlib import chdir, closing
from importlib.resources import files
from pathlib import Path
from typing import Final

from typer.testing import CliRunner

from console.cli import app
from sinks.warehouse import opening
from sinks.warehouse.settings import WarehouseSettings
from sinks.warehouse.views.analytics import VIEWS, AnalyticsView
from tests.support.builders.analysts_sample import load_sample
from tests.support.builders.fivetran_columns import coverage

PAGE: Final = Path(__file__).parents[3] / "docs" / "analysts.md"
SESSION: Final = re.compile(r"^    \$ (?P<command>[^\n]*)\n(?:    [^\n]+\n)*", re.MULTILINE)
TABLE: Final = re.compile(r"(?<=<!-- from sinks/warehouse/views: begin -->\n).*?(?=<!-- from)", re.DOTALL)

COLUMNS: Final = re.compile(r"(?<=<!-- from tests/fixtures/dbt: begin -->\n).*?(?=<!-- from)", re.DOTALL)


def filled(page: str, folder: Path) -> str:
    """Return the page with its table of views and with the results of its commands, run in a folder that has the sample."""
    page = TABLE.sub(lambda _: "".join(map(_view_row, VIEWS)), page)
    page = COLUMNS.sub(lambda _: coverage(), page)
    return SESSION.sub(lambda found: f"    $ {found['command']}\n{_indented(run(found['command'], folder))}", page)


def sample_folder(folder: Path) -> Path:
    """Return a folder in which the page's commands find the sample."""
    (folder / "penstock.toml").write_text("")
    settings = WarehouseSettings("ducklake", folder / ".penstock" / "warehouse", False)
    with closing(opening.writer(settings)) as opened:
        load_sample(opened)
    return folder


def run(command: str, folder: Path) -> str:
    """Return what a `penstock` command prints into a pipe."""
    program, *arguments = shlex.split(command)
    assert program == "penstock", command
    with chdir(folder):
        done = CliRunner().invoke(app, arguments)
    assert done.exit_code == 0, f"{command}: {done.output}"
    return done.stdout


def _indented(text: str) -> str:
    return "".join(f"    {line}".rstrip() + "\n" for line in text.splitlines())


def _view_row(view: AnalyticsView) -> str:
    """Return a row of the table of views: the first sentence of the comment in its SQL."""
    name = view.name

    text = files("sinks.warehouse.views").joinpath("sql", f"{name}.sql").read_text(encoding="utf-8")
    comment = " ".join(line.removeprefix("--").strip() for line in text.splitlines() if line.startswith("--"))
    tables = ", ".join(f"`{relation.table}`" for relation in view.relations if relation.needed)
    return f"| `{name}` | {tables} | {comment.partition('. ')[0].rstrip('.')} |\n"


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as made:
        PAGE.write_text(filled(PAGE.read_text(), sample_folder(Path(made))))
