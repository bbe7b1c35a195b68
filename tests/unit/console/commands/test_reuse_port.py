"""The command line's messages about sharing a port, before any port is opened."""

import socket
from pathlib import Path

import pytest
from typer.testing import CliRunner

from console.cli import app
from console.errors import MISUSED, exit_code


def refusal(tmp_path: Path, *arguments: str, environ: dict[str, str] | None = None) -> str:
    """Return the message for people; the exit code says that a retry is useless."""
    result = CliRunner().invoke(app, ["ingress", "--data-dir", str(tmp_path), *arguments], env=environ)

    assert isinstance(result.exception, Exception)
    assert exit_code(result.exception) == MISUSED
    assert not list(tmp_path.iterdir())
    return str(result.exception)


@pytest.mark.parametrize(
    ("arguments", "environ"),
    [(("--workers", "2"), {}), (("--workers=1",), {}), ((), {"PENSTOCK_INGRESS_WORKERS": "4"})],
    ids=["option", "one", "variable"],
)
def test_workers_point_to_instances(tmp_path: Path, arguments: tuple[str, ...], environ: dict[str, str]) -> None:
    """An ingress that was started with --workers does not silently become one process."""
    said = refusal(tmp_path, *arguments, environ=environ)

    assert "--workers (PENSTOCK_INGRESS_WORKERS) no longer exists" in said
    assert "penstock ingress --reuse-port" in said


def test_workers_are_not_offered() -> None:
    """The help names --reuse-port alone."""
    said = CliRunner().invoke(app, ["ingress", "--help"], env={"COLUMNS": "200", "NO_COLOR": "1"}).output

    assert "--reuse-port" in said
    assert "--workers" not in said


def test_system_without_reuse_port_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the kernel cannot share a port, only one ingress can use it."""
    monkeypatch.delattr(socket, "SO_REUSEPORT")

    assert "needs SO_REUSEPORT, which this system does not have" in refusal(tmp_path, "--reuse-port")


@pytest.mark.parametrize("environ", [{}, {"PENSTOCK_INGRESS_REUSE_PORT": "1"}])
def test_any_free_port_cannot_be_shared(tmp_path: Path, environ: dict[str, str]) -> None:
    """Each instance would get a different one."""
    arguments = [] if environ else ["--reuse-port"]

    assert "expected 1 to 65535, got 0" in refusal(tmp_path, "--port", "0", *arguments, environ=environ)
