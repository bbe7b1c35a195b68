"""Run a command, and fail with its output."""

import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

SHOWN_LINES = 60


class CommandFailed(Exception):
    """A command ended with another exit code than 0; the text is its command line and the last lines of its output."""


def run(
    command: Sequence[str], environ: Mapping[str, str] | None = None, timeout_s: float = 600, cwd: Path | None = None
) -> str:
    """Return a command's standard output; raise `CommandFailed` with its last lines when it fails."""
    try:
        result = subprocess.run(
            command,
            env={**os.environ, **(environ or {})},
            capture_output=True,
            text=True,
            timeout=timeout_s,
            check=False,
            cwd=cwd,
            stdin=subprocess.DEVNULL,
        )
    except subprocess.TimeoutExpired as error:
        raise CommandFailed(f"{' '.join(command)}: not within {timeout_s:g} s\n{_text(error.stdout)}") from error
    if result.returncode != 0:
        said = "\n".join((result.stdout + result.stderr).splitlines()[-SHOWN_LINES:])
        raise CommandFailed(f"{' '.join(command)}: exit code {result.returncode}\n{said}")
    return result.stdout


def _text(output: bytes | str | None) -> str:
    return output.decode(errors="replace") if isinstance(output, bytes) else output or ""
