"""The fields that documents have, and suggestions for a name that none of them has."""

import difflib
from collections.abc import Iterable, Iterator
from typing import Any

from schemas.records import Document
from streams.steps.filter_values import values_at

MAX_FIELDS = 2_000  # of all documents together; an order has some 400


def field_names(documents: Iterable[Document]) -> set[str]:
    """Return the dotted names of all fields, including those inside arrays and objects."""
    names: set[str] = set()
    for document in documents:
        for name in _names(document, ""):
            if len(names) >= MAX_FIELDS:
                return names
            names.add(name)
    return names


def is_there(documents: Iterable[Document], path: tuple[str, ...]) -> bool:
    """Say whether any document has a field, or might have it: an empty array or a null does not rule out fields below it."""
    return any(values_at(document, path) is not None for document in documents)


def meant(name: str, known: Iterable[str]) -> str:
    """Return `; did you mean vendor?` when a known field is close to the given one, else nothing.

    A plain name also matches the end of longer ones: `price` may mean `variants.price`.
    """
    names = sorted(known)
    close = difflib.get_close_matches(name, names, n=1, cutoff=0.7)
    close = close or [longer for longer in names if longer.endswith(f".{name}")][:1]
    return f"; did you mean {close[0]}?" if close else ""


def _names(value: Any, prefix: str) -> Iterator[str]:
    if isinstance(value, list):
        for element in value:
            yield from _names(element, prefix)
    elif isinstance(value, dict):
        for name, below in value.items():
            yield prefix + name
            yield from _names(below, f"{prefix}{name}.")
