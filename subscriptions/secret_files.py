"""The secrets of hooks: read from their references, made, and written to files that only their owner may read.

A file that has a secret is never overwritten. What was set where is noted as fingerprints in a file of its own, from which no
secret can be computed with less effort than guessing it, a hundredth of a second a guess.
"""

import contextlib
import hashlib
import json
import os
import secrets as randomness
from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import Final

from config.model import Source, file_of, shown_reference
from config.problems import ConfigurationError, Problem
from config.secrets import resolve_secret
from subscriptions.plan import Secrets

NOTES: Final = "subscriptions.json"
SECRET_BYTES: Final = 32


class SecretFileError(Exception):
    """A secret or a note that could not be written; the text says where and why, and never shows a secret."""


def fingerprint(secret: str) -> str:
    """Return what tells a secret from others and does not reveal it."""
    derived = hashlib.scrypt(secret.encode(), salt=b"penstock hook", n=2**12, r=8, p=1, dklen=16)
    return derived.hex()


def new_secret() -> str:
    """Return a secret that nobody can guess."""
    return randomness.token_urlsafe(SECRET_BYTES)


class SecretFiles:
    """The secrets of the configured sources, and the notes on which hook has which."""

    def __init__(self, data_dir: Path, environ: Mapping[str, str], today: date) -> None:
        self._notes = data_dir / NOTES
        self._environ, self._today = environ, today

    def known(self, source: Source) -> Secrets:
        """Return what the plan needs to know; `ConfigurationError` for a secret that cannot be read."""
        found, free = self._split(source)
        return Secrets(tuple(fingerprint(secret) for secret in found), self._noted(), tuple(map(str, free)))

    def signing(self, source: Source) -> str | None:
        """Return the secret with which our own hooks sign, None if there is none yet."""
        found, _ = self._split(source)
        return found[0] if found else None

    def keep(self, file: Path, secret: str) -> None:
        """Write a new secret: completely or not at all, on the disk when this returns."""
        with _written(file):
            if file.exists() and file.stat().st_size:
                raise SecretFileError(f"{file} has a secret by now; it is not overwritten")
            _replace(file, secret.encode() + b"\n")

    def note(self, hook_key: str, secret: str) -> None:
        """Note which secret a hook has."""
        with _written(self._notes):
            self._notes.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            _replace(self._notes, json.dumps({**self._noted(), hook_key: fingerprint(secret)}, indent=1).encode())

    def forget(self, hook_key: str) -> None:
        """Remove the note of a hook that is gone."""
        noted = dict(self._noted())
        if noted.pop(hook_key, None) is not None:
            with _written(self._notes):
                _replace(self._notes, json.dumps(noted, indent=1).encode())

    def _split(self, source: Source) -> tuple[list[str], list[Path]]:
        """Return the secrets of a source, and its files that have none yet."""
        found, free = [], []
        for reference in source.secrets:
            if not reference.is_current(self._today):
                continue
            file = file_of(reference.ref)
            if file is not None and (not file.exists() or not file.stat().st_size):
                free.append(file)
                continue
            try:
                found.append(resolve_secret(reference, self._environ).decode())
            except UnicodeDecodeError as error:
                raise ConfigurationError([Problem("", shown_reference(reference.ref), "expected UTF-8")]) from error
        return found, free

    def _noted(self) -> Mapping[str, str]:
        try:
            noted = json.loads(self._notes.read_bytes())
        except FileNotFoundError:
            return {}
        except (OSError, ValueError) as error:
            raise SecretFileError(f"{self._notes} cannot be read; remove it, and secrets are set anew") from error
        return noted if isinstance(noted, dict) else {}


@contextlib.contextmanager
def _written(file: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise SecretFileError(f"{file} cannot be written: {error.strerror}") from error


def _replace(file: Path, content: bytes) -> None:
    """Replace a file by one with this content that only its owner may read, and wait for the disk."""
    draft = file.with_name(f".{file.name}.{os.getpid()}")
    draft.unlink(missing_ok=True)
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with open(handle, "wb") as stream:
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())
    draft.replace(file)
    directory = os.open(file.parent, os.O_RDONLY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)
