"""Keeps the changes of the demo's store in a file, so that a restarted store is the same: what it begins with, and these.

A line is the state of one resource after a change, as JSON; the last one counts. It is not fsynced: a power cut may undo the
last changes of a store that is made up anyway. A line that a kill cut short is dropped with the change that it was.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import msgspec

from schemas import codec
from schemas.records import Document
from simulator.demo_store.callbacks import Named

MAX_SPARE_LINES: Final = 10_000  # lines that later ones have replaced: about 30 MB


class Journal:
    """The changes of one store, oldest first. Used by one thread."""

    def __init__(self, path: Path) -> None:
        """Read what is there, and write it again without what was replaced; `OSError` if that cannot be done."""
        self._path = path
        self._changed: dict[Named, Document | None] = dict(_read(path))
        self._rewrite()

    def changed(self) -> Iterator[tuple[Named, Document | None]]:
        """Yield each resource that was changed, as it is now; None for a deleted one."""
        yield from self._changed.items()

    def note(self, named: Named, document: Document | None) -> None:
        """Keep what a resource is now."""
        self._changed[named] = document
        self._file.write(_line(named, document))
        self._file.flush()
        self._lines += 1
        if self._lines > len(self._changed) + MAX_SPARE_LINES:
            self._file.close()
            self._rewrite()

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _rewrite(self) -> None:
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        draft = self._path.with_suffix(".draft")
        with draft.open("wb") as file:
            file.writelines(_line(named, document) for named, document in self._changed.items())
        draft.replace(self._path)
        self._file = self._path.open("ab")
        self._lines = len(self._changed)


def _read(path: Path) -> Iterator[tuple[Named, Document | None]]:
    if not path.exists():
        return
    with path.open("rb") as file:
        for line in file:
            try:
                kept = codec.document(line)
                yield Named(kept["store"], kept["kind"], kept["id"]), kept["document"]
            except (msgspec.DecodeError, KeyError, TypeError):
                return  # the last line, cut short


def _line(named: Named, document: Document | None) -> bytes:
    kept = {"store": named.store, "kind": named.kind, "id": named.resource_id, "document": document}
    return codec.document_json(kept) + b"\n"
