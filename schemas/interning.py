"""Interned strings: a dictionary lookup with an interned key compares no text."""

import sys
from typing import Any


def interned(node: Any) -> Any:
    """Return a JSON value with every string interned, keys included. Pure, in spite of the import."""
    if isinstance(node, dict):
        return {interned(key): interned(value) for key, value in node.items()}
    if isinstance(node, list):
        return [interned(element) for element in node]
    return sys.intern(node) if isinstance(node, str) else node
