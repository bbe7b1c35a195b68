"""Reads only the fields that name a resource, so that the ingress need not parse the whole body.

Measured for GitHub's 25 kB pull request: 24 µs with an outline, 52 µs for a full parse, 22 µs for its HMAC.
"""

from collections.abc import Callable, Iterable
from decimal import Decimal
from typing import Any, TypedDict

import msgspec

from providers.base import Unparsed
from providers.reading import MALFORMED, read_object
from schemas.records import Document

DecodeOutline = Callable[[bytes], Document]
_typed_dict: Any = TypedDict  # mypy accepts only literal field names; these come from the providers' tables


def at(document: object, path: str) -> Any:
    """Return the value at a dotted path, None if any step is missing or not an object."""
    for name in path.split("."):
        if not isinstance(document, dict):
            return None
        document = document.get(name)
    return document


def outline_decoder(paths: Iterable[str]) -> DecodeOutline:
    """Return a decoder of a JSON object that keeps only the given dotted paths and skips the rest.

    Leaves may hold any JSON. The decoder raises if a step to a leaf is neither an object nor null.
    """
    tree: dict[str, Any] = {}
    for path in sorted(paths):
        branch = tree
        for name in path.split("."):
            branch = branch.setdefault(name, {})
    return msgspec.json.Decoder(_outline_type(tree), float_hook=Decimal).decode


def _outline_type(tree: dict[str, Any]) -> Any:
    fields = {name: _outline_type(branch) | None if branch else Any for name, branch in tree.items()}
    return _typed_dict("Outline", fields, total=False)


def read_outline(decode: DecodeOutline, body: bytes) -> Document | Unparsed:
    """Return the outline of a body; if its shape is unexpected, the result of `read_object`.

    Both hold the same values at the decoder's paths.
    """
    try:
        return decode(body)
    except (*MALFORMED, RecursionError):
        return read_object(body)
