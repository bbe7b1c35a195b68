"""`penstock query` as a person and as another program runs it, on the analysts' sample."""

import os
import pty
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from sinks.warehouse import opening
from sinks.warehouse.settings import WarehouseSettings
from tests.support.builders.analysts_sample import load_sample

PROGRAM = str(Path(sys.executable).parent / "penstock")
WIDE = "select repeat('a', 90) as first, repeat('b', 90) as second, 1 as n"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a folder with a configuration and a loaded warehouse."""
    made = tmp_path_factory.mktemp("query")
    (made / "penstock.toml").write_text('[warehouse]\nengine = "duckdb"\n')
    settings = WarehouseSettings("duckdb", made / ".penstock" / "warehouse", False)
    with closing(opening.writer(settings)) as opened:
        load_sample(opened)
    return made


def query(folder: Path, *arguments: str, given: bytes = b"", code: int = 0) -> str:
    """Return what the command prints into a pipe; it must end with this code."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PENSTOCK_")}
    done = subprocess.run(
        [PROGRAM, "query", *arguments],
        cwd=folder,
        env=environment,
        input=given,
        capture_output=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == code, done.stderr.decode()
    return (done.stdout if code == 0 else done.stderr).decode()


def seen(folder: Path, columns: int, *arguments: str) -> str:
    """Return what the command prints to a terminal of this width."""
    leader, follower = pty.openpty()
    environment = {**os.environ, "COLUMNS": str(columns), "TERM": "xterm"}
    with closing(open(leader, "rb", buffering=0)) as terminal:
        process = subprocess.Popen(
            [PROGRAM, "query", *arguments],
            cwd=folder,
            env=environment,
            stdout=follower,
            stderr=follower,
            stdin=follower,
        )
        os.close(follower)
        printed = b""
        while True:
            try:
                part = terminal.read(65_536)
            except OSError:  # how Linux says that the other end is closed
                break
            if not part:
                break
            printed += part
        assert process.wait(60) == 0, printed.decode()
    return printed.decode()


def test_table_in_a_pipe_is_complete(folder: Path) -> None:
    """Another program reads every character; nothing is cut or wrapped at 80 columns."""
    printed = query(folder, WIDE)

    (row,) = [line for line in printed.splitlines() if "aaa" in line]
    assert "a" * 90 in row
    assert "b" * 90 in row


def test_table_wider_than_the_terminal_is_shown_by_column(folder: Path) -> None:
    """A person sees every value of a wide row, a line a column; a narrow table stays one."""
    wide, narrow = seen(folder, 100, WIDE), seen(folder, 100, "select 1 as n")

    assert [line.split()[0] for line in wide.splitlines() if "aaa" in line or "bbb" in line] == [
        "\x1b[1mfirst", "\x1b[1msecond"
    ]  # fmt: skip
    assert "a" * 90 in wide
    assert "row 1" in wide
    assert "row 1" not in narrow


def test_numbers_have_the_decimals_that_they_need(folder: Path) -> None:
    """Amounts align at two decimals, and more stay; whole numbers have none."""
    printed = query(folder, "select 79::decimal(38, 9) a, 0.125::decimal(38, 9) b, -5::decimal(38, 9) c, 7 d", "--csv")

    assert printed.splitlines() == ["a,b,c,d", "79.00,0.125,-5.00,7"]


def test_statement_comes_from_a_file_or_stdin(folder: Path, tmp_path: Path) -> None:
    """A longer statement need not be quoted for a shell."""
    file = tmp_path / "query.sql"
    file.write_text("-- how many\nselect count(*) as n\nfrom my_shop.product_variant;\n")

    assert query(folder, "--file", str(file), "--csv") == "n\n2\n"
    assert query(folder, "-", "--csv", given=file.read_bytes()) == "n\n2\n"


@pytest.mark.parametrize(
    ("arguments", "given", "expected"),
    [
        ((), b"", "expected either a statement, - to read it from stdin, or --file FILE"),
        (("select 1", "--file", "a.sql"), b"", "expected either a statement"),
        (("--file", "no.sql"), b"", "no.sql: No such file or directory"),
        (("--file", "."), b"", ".: Is a directory"),
        (("-",), b"\xff\xfe", "stdin: expected a statement as UTF-8 text"),
        (("-",), b" \n", "expected a statement, got none"),
        (("--", "-- only a comment"), b"", "expected a statement"),
        (("from my_shop.ordr",), b"", "Table with name ordr does not exist"),
        (("select 1", "--csv", "--json"), b"", "expected at most one of --csv, --json and --parquet"),
        (("select 1", "--parquet", "no/such/folder.parquet"), b"", "--parquet no/such/folder.parquet: "),
    ],
    ids=["nothing", "two", "missing", "folder", "bytes", "blank", "comment", "table", "forms", "parquet"],
)
def test_mistake_is_said_plainly(folder: Path, arguments: tuple[str, ...], given: bytes, expected: str) -> None:
    """What was expected, and no traceback; the exit code is that of a wrong argument."""
    told = query(folder, *arguments, given=given, code=2)

    assert expected in told
    assert "Traceback" not in told
