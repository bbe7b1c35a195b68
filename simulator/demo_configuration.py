"""A configuration for trying Penstock: one source per provider, named after it, with secrets generated on this machine."""

import base64
import os
import secrets
from collections.abc import Callable, Mapping
from pathlib import Path

from config.paths import demo_path
from providers.registry import PROVIDERS
from simulator.demo_store.address import HOST, PREFERRED_PORT, STORE

TYPES: Mapping[str, tuple[str, ...]] = {"standard": ("contact", "user"), "generic": ("ticket",)}
"""The resource types that the sample and docs/local-testing.md send for these providers, which define none themselves."""
TOKEN_FILE = "bigcommerce.token"  # noqa: S105 - its name
SECRET_BYTES = 24  # Standard Webhooks 1.0 requires 24 to 64 bytes; the others accept any text.


def demo_configuration(data_dir: Path, store_port: int = PREFERRED_PORT) -> Path:
    """Return the path of the demo's `penstock.toml`, written with its secrets if missing.

    Existing files stay, so secrets and edits survive a restart, and so does the port of the store. Folder 0700, files 0600.
    """
    path = demo_path(data_dir)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.parent.chmod(0o700)
    for provider in PROVIDERS:
        _write_once(path.parent / f"{provider}.secret", _new_secret(provider) + "\n")
    _write_once(path.parent / TOKEN_FILE, secrets.token_hex(SECRET_BYTES) + "\n")
    _write_once(path, _toml(store_port))
    return path


def _toml(store_port: int) -> str:
    sources = "\n".join(
        f'[[sources]]\nname = "{provider}"  # POST /v1/{provider}\nprovider = "{provider}"\n'
        f'secrets = ["file:{provider}.secret"]\n{_options(provider, store_port)}'
        for provider in PROVIDERS
    )
    return (
        "# Made by `penstock up` for trying things out; edit it as you like, it is not overwritten.\n"
        "# For sources of your own, write ./penstock.toml and start `penstock up --config penstock.toml`.\n\n"
        f"{sources}"
    )


def _options(provider: str, store_port: int) -> str:
    if provider == "bigcommerce":
        return (
            f"# Its deliveries only name a product, which is read here: a made-up store, served by `penstock up`.\n"
            f'api_url = "http://{HOST}:{store_port}"\n'
            f'api_tokens = {{ {STORE} = "file:{TOKEN_FILE}" }}  # of stores/{STORE}; those of other stores stay notifications\n'
        )
    if provider not in TYPES:
        return ""
    listed = ", ".join(f'"{name}"' for name in TYPES[provider])
    return f"options = {{ resource_types = [{listed}] }}  # all others go to changes.{provider}.other\n"


def _new_secret(provider: str) -> str:
    make: Mapping[str, Callable[[], str]] = {
        "standard": lambda: "whsec_" + base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode(),
        "stripe": lambda: "whsec_" + secrets.token_hex(SECRET_BYTES),
    }
    return make.get(provider, lambda: secrets.token_hex(SECRET_BYTES))()


def _write_once(path: Path, text: str) -> None:
    """Write a missing file, by way of a temporary name: after a kill half-way, the next start finds it missing, not truncated."""
    if path.exists():
        return
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
    draft.replace(path)
