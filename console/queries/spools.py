"""The contents of the spools in a data directory, read without disturbing the ingress that writes them."""

import sqlite3
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from console.errors import Failed
from ingress.delivery.spool_file import depth, unpack


@dataclass(frozen=True, slots=True)
class SpoolDepth:
    """One spool. `oldest_at` is in Unix seconds; `sources` maps each source to its number of deliveries."""

    file: str
    deliveries: int
    bytes: int
    oldest_at: float | None
    refused: int
    sources: dict[str, int]


def spool_depths(directory: Path) -> list[SpoolDepth]:
    """Return every spool in a directory, by name; raise `Failed` when one cannot be read."""
    return [_read(path) for path in sorted(directory.glob("*.sqlite"))]


def _read(path: Path) -> SpoolDepth:
    try:
        connection = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)
        try:
            connection.execute("BEGIN")  # one snapshot for all numbers
            found = depth(connection)
            sources: Counter[str] = Counter()
            for (headers,) in connection.execute("SELECT headers FROM spool ORDER BY seq"):
                sources[dict(unpack(headers)).get("penstock_source", b"unknown").decode()] += 1
        finally:
            connection.close()
    except sqlite3.Error as error:
        raise Failed(f"{path} cannot be read: {error}") from error
    return SpoolDepth(path.name, found.deliveries, found.bytes, found.oldest_at, found.refused, dict(sources))
