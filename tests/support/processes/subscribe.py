"""Runs `penstock subscribe` on a configuration, as a person does."""

import json
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from console import cli

PUBLIC = "https://hooks.example.com"


class Subscribe:
    """Runs the command in a folder with a configuration."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], folder: Path) -> None:
        self._monkeypatch, self._capfd = monkeypatch, capfd
        self.data_dir = folder / ".penstock"
        monkeypatch.chdir(folder)
        for name in ("CONFIG", "DATA_DIR", "URL"):
            monkeypatch.delenv(f"PENSTOCK_{name}", raising=False)
        self.printed = ""

    def configure(self, text: str) -> None:
        """Write the configuration, with an address for the ingress."""
        Path("penstock.toml").write_text(f'[ingress]\npublic_url = "{PUBLIC}"\n{text}')

    def __call__(self, *arguments: str) -> int:
        """Return the exit code; all that was printed is in `printed`."""
        self._monkeypatch.setattr(sys, "argv", ["penstock", "subscribe", *arguments])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        captured = self._capfd.readouterr()
        self.printed = captured.out + captured.err
        assert "Traceback" not in self.printed, self.printed
        return int(ended.value.code or 0)

    def records(self, *arguments: str) -> list[dict[str, Any]]:
        """Return what the command prints as JSON."""
        self(*arguments, "--json")
        return [json.loads(line) for line in self.printed.splitlines()]


def of_kind(records: Iterable[dict[str, Any]], kind: str) -> list[dict[str, Any]]:
    """Return the records of one kind."""
    return [record for record in records if record["kind"] == kind]
