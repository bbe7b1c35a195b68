"""Reads the docstrings of class attributes from a module's source.

pydantic can read them (`use_attribute_docstrings`), but does so when a class is created: 80 ms at each start of each
process, for texts that only the reference and editors show.
"""

import ast
from collections.abc import Mapping
from itertools import pairwise


def attribute_docs(source: str) -> Mapping[str, Mapping[str, str]]:
    """Return, by class and attribute, the docstring below each annotated attribute as one line."""
    return {node.name: _of_class(node) for node in ast.parse(source).body if isinstance(node, ast.ClassDef)}


def _of_class(node: ast.ClassDef) -> Mapping[str, str]:
    return {
        attribute.target.id: " ".join(text.value.value.split())
        for attribute, text in pairwise(node.body)
        if isinstance(attribute, ast.AnnAssign)
        and isinstance(attribute.target, ast.Name)
        and isinstance(text, ast.Expr)
        and isinstance(text.value, ast.Constant)
        and isinstance(text.value.value, str)
    }
