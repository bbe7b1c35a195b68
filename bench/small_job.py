"""The small job in straight code: one table, one output. Most published figures of stream processors measure this job.

A newer version of a product becomes a JSON event with before, after and the names of the changed fields; an older or equal one
becomes nothing. `small_loop.py` and `peers/quix_small.py` share it; `peers/streams/` has it in Java, byte for byte.
"""

from typing import Any

import msgspec

TABLE, OUTPUT = "state", "events"
_parse = msgspec.json.Decoder().decode
_encode = msgspec.json.Encoder().encode


def event(body: bytes, stored: bytes | None) -> bytes | None:
    """Return the event that a body makes, given the stored body of the same product; None when that is as new.

    An event is JSON: op, changed, before, after. The caller stores the body after an event.
    """
    after: dict[str, Any] = _parse(body)
    if stored is None:
        return _encode({"op": "c", "changed": [], "before": None, "after": after})
    before: dict[str, Any] = _parse(stored)
    if before["updated_at"] >= after["updated_at"]:
        return None
    changed = [name for name in after if name not in before or before[name] != after[name]]
    return _encode({"op": "u", "changed": changed, "before": before, "after": after})
