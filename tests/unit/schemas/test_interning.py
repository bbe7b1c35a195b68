"""Texts of a schema are interned, whatever their origin."""

import json
import sys

from schemas.interning import interned

TEXT = '{"name": "event_id", "fields": [{"type": ["null", "string"]}, 7, null]}'


def test_every_text_is_the_interpreters_own() -> None:
    """Each is equal to the input, and the same object as a literal of the code."""
    node = json.loads(TEXT)

    made = interned(node)

    assert made == node
    assert made["name"] is sys.intern("event_id")
    assert made["fields"][0]["type"][1] is sys.intern("string")
