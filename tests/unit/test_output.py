"""Nothing reaches a terminal unescaped: only two modules of `console` and `local` can write at all."""

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
WRITERS = {
    "console/screen.py",
    "local/screen.py",
    "local/guard.py",  # a program of its own that cannot import Penstock; its one line goes to a log file
}
MODULES = [
    file
    for package in ("console", "local")
    for file in sorted((ROOT / package).rglob("*.py"))
    if str(file.relative_to(ROOT)) not in WRITERS
]
STREAMS = {"stdout", "stderr", "__stdout__", "__stderr__"}
PRINTING = {"print", "print_json", "pprint", "echo", "secho", "echo_via_pager", "confirm", "prompt", "progressbar"}
PRINTING |= {"print_exc", "print_exception", "print_stack"}
FOREIGN = {"rich", "click", "logging", "structlog", "warnings", "pprint", "getpass", "curses", "readline"}
STARTING = {"run", "Popen", "call", "check_call"}


def writes(source: str) -> list[str]:
    """Return the code of a module that could write to a terminal by itself, as `line: code`."""
    tree = ast.parse(source)
    return [
        *(f"{node.lineno}: {_imported(node)}" for node in _all(tree, ast.Import, ast.ImportFrom) if _imported(node)),
        *(f"{node.lineno}: {ast.unparse(node)}" for node in _all(tree, ast.Attribute) if _is_stream(node)),
        *(f"{node.lineno}: {ast.unparse(node)}" for node in _all(tree, ast.Call) if _prints(node)),
    ]


def _all(tree: ast.AST, *kinds: type[ast.AST]) -> Iterator[Any]:
    return (node for node in ast.walk(tree) if isinstance(node, kinds))


def _imported(node: ast.Import | ast.ImportFrom) -> str:
    """Return a statement that imports a writing module, else nothing."""
    taken = {name.name for name in node.names}
    modules = {node.module or ""} if isinstance(node, ast.ImportFrom) else taken
    is_stream = modules == {"sys"} and bool(taken & STREAMS)
    is_foreign = any(module.partition(".")[0] in FOREIGN for module in modules)
    return ast.unparse(node) if is_foreign or is_stream or taken & PRINTING else ""


def _is_stream(node: ast.Attribute) -> bool:
    """Say whether this is a stream, or a function that prints, of any module."""
    match node:
        case ast.Attribute(value=ast.Name(id="sys"), attr=stream) if stream in STREAMS:
            return True
        case ast.Attribute(value=ast.Name(id="os"), attr="write" | "writev" | "system" | "popen"):
            return True
    return node.attr in PRINTING


def _prints(node: ast.Call) -> bool:
    """Say whether this call prints, starts a process that may, or ends this one with a text."""
    match node:
        case ast.Call(func=ast.Name(id="print" | "input")):
            return True
        case ast.Call(func=ast.Attribute(value=ast.Name(id="subprocess"), attr=name), keywords=given):
            return name in STARTING and not {"capture_output", "stdout"} & {keyword.arg for keyword in given}
        case ast.Call(args=[ast.JoinedStr() | ast.Constant(value=str())]):
            return ast.unparse(node.func) in {"sys.exit", "SystemExit", "exit", "quit"}
    return False


@pytest.mark.parametrize("module", MODULES, ids=lambda file: str(file.relative_to(ROOT)))
def test_only_the_screens_write(module: Path) -> None:
    """A command that prints by itself would print text unescaped; console.screen and local.screen escape it."""
    assert writes(module.read_text(encoding="utf-8")) == []


def test_every_writer_is_there() -> None:
    """The exceptions are files that exist."""
    assert [name for name in WRITERS if not (ROOT / name).is_file()] == []
    assert len(MODULES) > 60


@pytest.mark.parametrize("statement", [
    "print('x')",
    "input('x')",
    "import rich",
    "from rich.console import Console",
    "import logging",
    "import sys; sys.stdout.write('x')",
    "import sys; sys.__stderr__.write('x')",
    "from sys import stdout",
    "import typer; typer.echo('x')",
    "from typer import echo",
    "import typer; typer.confirm('x')",
    "screen.print('x')",
    "import os; os.write(1, b'x')",
    "import traceback; traceback.print_exc()",
    "import subprocess; subprocess.run(['date'], check=True)",
    "import sys; sys.exit(f'{name}')",
    "raise SystemExit('x')",
])  # fmt: skip
def test_every_way_to_write_is_refused(statement: str) -> None:
    """The rule above would prove nothing if it detected only one way."""
    assert writes(statement) != []


@pytest.mark.parametrize("statement", [
    "import sys; sys.stdin.buffer.read()",
    "import sys; sys.exit(1)",
    "import subprocess; subprocess.run(['date'], capture_output=True)",
    "from console.screen import results; results().line('x')",
    "file.write('x')",
])  # fmt: skip
def test_what_writes_nowhere_is_allowed(statement: str) -> None:
    """Files, standard input and the screens are no terminal."""
    assert writes(statement) == []
