"""The findings of `penstock check` about `[warehouse]`, where the configuration has that table: nothing is opened or made."""

import os
from collections.abc import Iterator
from pathlib import Path

from config.model import Configuration
from sinks.warehouse.requirements import missing
from sinks.warehouse.settings import warehouse_settings


def warehouse_problems(configuration: Configuration, data_dir: Path) -> Iterator[tuple[str, str]]:
    """Yield the key of `[warehouse]` and what is wrong with it: packages that are not there, a folder that cannot be written."""
    if "warehouse" not in configuration.model_fields_set:
        return
    settings = warehouse_settings(configuration, data_dir)
    lacking = missing(settings)
    if lacking is not None:
        yield "engine", f"the loader cannot run here: {lacking}"
    refusal = None if settings.engine == "postgres" else _refusal(settings.folder)
    if refusal is not None:
        yield "path", f"{settings.folder}: {refusal}; `penstock load` as this user would end with 2"


def _refusal(folder: Path) -> str | None:
    """Return why a folder cannot be made or written; None if it can."""
    existing = folder
    while not existing.exists() and existing != existing.parent:
        existing = existing.parent
    if not existing.is_dir():
        return f"expected a folder, found the file {existing}"
    if not os.access(existing, os.W_OK | os.X_OK):
        return f"expected a folder that this user can write, {existing} is none"
    return None
