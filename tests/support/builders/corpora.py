"""The real payloads and signature vectors, which stay outside the repository."""

import os
from pathlib import Path
from typing import Any

import msgspec
import pytest

PROJECT_ROOT = Path(__file__).parents[3]


def corpora() -> Path:
    """Return the directory of the corpora: `PENSTOCK_CORPORA`, else `../shared/corpora` beside the project.

    Without it the calling test module is skipped; where `CI=true` it fails, because a green run there must include it.
    """
    found = Path(os.environ.get("PENSTOCK_CORPORA") or PROJECT_ROOT.parent / "shared" / "corpora")
    if found.is_dir():
        return found
    message = "the corpora are missing: set PENSTOCK_CORPORA, or put them at ../shared/corpora from the project root"
    if os.environ.get("CI") == "true":
        pytest.fail(message)
    pytest.skip(message, allow_module_level=True)


def read_corpus(path: str) -> Any:
    """Return the parsed content of one JSON file of the corpora."""
    return msgspec.json.decode((corpora() / path).read_bytes())


def shopify_payloads() -> list[tuple[str, bytes]]:
    """Return every sample as (topic, body), sorted by topic."""
    files = sorted((corpora() / "shopify" / "payloads").glob("*.json"))
    return [(file.stem.replace("__", "/"), file.read_bytes()) for file in files]
