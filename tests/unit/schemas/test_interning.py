"""Texts of a schema are the interpreter's own, whoever spelled them."""

import json
import sys

from schemas.interning import interned

TEXT = '{"name": "event_id", "fields": [{"type": ["null", "string"]}, 7, null]}'


def test_every_text_is_the_interpreters_own() -> None:
    """Equal to what came in, and each text the same object as a literal of the code."""
    node = json.loads(TEXT)

    made = interned(node)

    assert made == node
    assert made["name"] is sys.intern("event_id")
    assert made["fields"][0]["type"][1] is sys.intern("string")
