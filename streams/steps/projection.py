"""Projects a document to the fields that a route includes."""

from functools import lru_cache
from typing import Any

from schemas.records import Document

ALWAYS = "id"  # a consumer must be able to identify the resource

Tree = dict[str, "Tree"]
"""Names mapped to the names below them; an empty tree includes the whole value."""


def projected(document: Document, fields: tuple[str, ...]) -> Document:
    """Return the included fields of a document and its id; dotted names lead through arrays.

    The order and number of array elements are kept, so that a reader can tell them apart; absent fields are omitted.
    """
    return {name: _kept(document[name], tree) for name, tree in _tree(fields).items() if name in document}


@lru_cache(maxsize=1024)
def _tree(fields: tuple[str, ...]) -> Tree:
    root: Tree = {}
    included = {ALWAYS, *fields}
    for field in included:
        names = field.split(".")
        if any(".".join(names[:length]) in included for length in range(1, len(names))):
            continue  # `variants` includes `variants.price`
        tree = root
        for name in names:
            tree = tree.setdefault(name, {})
    return root


def _kept(value: Any, tree: Tree) -> Any:
    if not tree:
        return value
    if isinstance(value, list):
        return [_kept(element, tree) for element in value]
    if isinstance(value, dict):
        return {name: _kept(value[name], below) for name, below in tree.items() if name in value}
    return None  # a number or string where the route expects an object
